import { useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { Button } from "../parts/Button";
import { colourOf } from "../parts/canvas";
import { useText } from "../text";
import { number } from "../text/format";
import { rateOf } from "./boxes";
import { clockOf } from "./time";

const SHOWN = 100;

interface Properties {
  facts: Schemas["JobTracksAnswer"];
  selected: number | null;
  onSelect(id: number, time: number): void;
}

/** All tracks, each with when it is there: a list that is a time line as well. */
export function Tracks({ facts, selected, onSelect }: Properties) {
  const text = useText().player;
  const [wish, setWish] = useState("");
  const [most, setMost] = useState(SHOWN);
  const first = facts.first ?? 0;
  const span = Math.max((facts.last ?? 0) - first, 1);
  const found = facts.tracks.filter(({ id }) => String(id).startsWith(wish.trim()));
  // Whom somebody pressed in the picture stands in the list, however long it is.
  const shown = found.filter(({ id }, place) => place < most || id === selected);
  return (
    <section class="tracks" aria-label={text.tracks}>
      <div class="bar">
        <h2>{text.count(number(facts.tracks.length))}</h2>
        <input
          inputMode="numeric"
          placeholder={text.find}
          aria-label={text.find}
          value={wish}
          onInput={(event) => setWish(event.currentTarget.value)}
        />
      </div>
      <ol>
        {shown.map((track) => (
          <li key={track.id}>
            <button
              type="button"
              aria-pressed={track.id === selected}
              onClick={() => onSelect(track.id, track.first_time ?? track.first / rateOf(facts))}
            >
              <b class="number">
                <i style={{ background: colourOf(String(track.id)) }} />
                {track.id}
              </b>
              <span class="lane" aria-hidden="true">
                <span
                  style={{
                    left: `${(100 * (track.first - first)) / span}%`,
                    width: `${(100 * Math.max(track.last - track.first, 1)) / span}%`,
                  }}
                />
              </span>
              <span class="quiet number">
                {track.class_name}, {clockOf(track.first_time ?? 0)}–{clockOf(track.last_time ?? 0)}
              </span>
            </button>
          </li>
        ))}
      </ol>
      {found.length === 0 && <p class="quiet">{text.noTrack}</p>}
      {found.length > most && <Button onClick={() => setMost(most + SHOWN)}>{text.more}</Button>}
    </section>
  );
}
