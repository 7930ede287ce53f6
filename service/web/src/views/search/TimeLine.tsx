/** When each of the tracks that were found was seen, a row a camera. */

import { useText } from "../../text";
import { clock, fullTime } from "../../text/format";
import { numberOf } from "../../parts/canvas";
import type { Similar } from "./find";

interface Properties {
  groups: readonly (readonly [string, readonly Similar[]])[];
  nameOf(stream: string): string;
  chosen: string | null;
  onChoose(track: string): void;
}

/** Times that are said below; more do not stand side by side on a telephone. */
const MARKS = 4;
/** Per cent of the line: a track of a moment can be hit as well. */
const NARROWEST = 1.2;

export function TimeLine({ groups, nameOf, chosen, onChoose }: Properties) {
  const text = useText();
  const all = groups.flatMap(([, tracks]) => tracks);
  const begin = Math.min(...all.map(({ started_at }) => Date.parse(started_at)));
  const end = Math.max(...all.map(({ seen_at }) => Date.parse(seen_at)), begin + 1_000);
  const place = (time: string) => ((Date.parse(time) - begin) / (end - begin)) * 100;
  const marks = Array.from({ length: MARKS + 1 }, (_, number) => begin + ((end - begin) * number) / MARKS);
  return (
    <div class="time-line" role="group" aria-label={text.search.timeLine}>
      {groups.map(([stream, tracks]) => (
        <div key={stream} class="lane">
          <span class="name">{nameOf(stream)}</span>
          <div class="track">
            {/* The best on top of the others. */}
            {[...tracks].reverse().map((track) => {
              const left = place(track.started_at);
              const width = Math.max(NARROWEST, place(track.seen_at) - left);
              return (
                <button
                  key={track.track}
                  type="button"
                  class={track.likely ? "likely" : ""}
                  aria-pressed={track.track === chosen}
                  aria-label={text.search.seen(numberOf(track.track), nameOf(stream), clock(track.started_at), text.search.alike(track.score))}
                  title={`${numberOf(track.track)} · ${clock(track.started_at)} · ${text.search.alike(track.score)}`}
                  style={{ left: `${Math.min(left, 100 - NARROWEST)}%`, width: `${width}%`, opacity: String(0.35 + 0.65 * Math.max(0, track.score)) }}
                  onClick={() => onChoose(track.track)}
                />
              );
            })}
          </div>
        </div>
      ))}
      <div class="marks" aria-hidden="true">
        {marks.map((mark, index) => (
          <span key={index} title={fullTime(mark)}>
            {clock(mark)}
          </span>
        ))}
      </div>
    </div>
  );
}
