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
/** Rows of a camera, for those that were seen at the same time; what is more lies on the last. */
const MOST_ROWS = 8;
const ROW = 1.5;

export function TimeLine({ groups, nameOf, chosen, onChoose }: Properties) {
  const text = useText();
  const all = groups.flatMap(([, tracks]) => tracks);
  const begin = Math.min(...all.map(({ started_at }) => Date.parse(started_at)));
  const end = Math.max(...all.map(({ seen_at }) => Date.parse(seen_at)), begin + 1_000);
  const place = (time: string) => ((Date.parse(time) - begin) / (end - begin)) * 100;
  const marks = Array.from({ length: MARKS + 1 }, (_, number) => begin + ((end - begin) * number) / MARKS);
  return (
    <div class="time-line" role="group" aria-label={text.search.timeLine}>
      {groups.map(([stream, tracks]) => {
        const bars = inRows(tracks, place);
        const rows = Math.max(...bars.map(({ row }) => row)) + 1;
        return (
          <div key={stream} class="lane">
            <span class="name">{nameOf(stream)}</span>
            <div class="track" style={{ height: `${rows * ROW + 0.25}rem` }}>
              {bars.map(({ track, left, width, row }) => (
                <button
                  key={track.track}
                  type="button"
                  class={track.likely ? "likely" : ""}
                  aria-pressed={track.track === chosen}
                  aria-label={text.search.seen(
                    numberOf(track.track),
                    nameOf(stream),
                    clock(track.started_at),
                    text.search.alike(track.score),
                  )}
                  title={`${numberOf(track.track)} · ${clock(track.started_at)} · ${text.search.alike(track.score)}`}
                  style={{
                    left: `${left}%`,
                    width: `${width}%`,
                    top: `${row * ROW + 0.25}rem`,
                    height: `${ROW - 0.25}rem`,
                    opacity: String(0.35 + 0.65 * Math.max(0, track.score)),
                  }}
                  onClick={() => onChoose(track.track)}
                />
              ))}
            </div>
          </div>
        );
      })}
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

interface Bar {
  track: Similar;
  /** Per cent of the line. */
  left: number;
  width: number;
  row: number;
}

/** Bars that do not lie over one another: each in the first row in which it has room. */
function inRows(tracks: readonly Similar[], place: (time: string) => number): Bar[] {
  const ends: number[] = [];
  return [...tracks]
    .sort((one, other) => Date.parse(one.started_at) - Date.parse(other.started_at))
    .map((track) => {
      const left = Math.min(place(track.started_at), 100 - NARROWEST);
      const width = Math.max(NARROWEST, place(track.seen_at) - left);
      const free = ends.findIndex((end) => end <= left);
      const row = free >= 0 ? free : Math.min(ends.length, MOST_ROWS - 1);
      ends[row] = left + width;
      return { track, left, width, row };
    });
}
