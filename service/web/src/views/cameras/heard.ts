/** What was last heard of cameras: who is in the picture, how often it is looked at. */

import { useEffect, useRef, useState } from "preact/hooks";
import { onTracks } from "../../live/connection";
import type { Frame } from "../../live/messages";

export interface Heard {
  frame: Frame;
  /** When frames came, ms of this machine's steady clock; of the last seconds. */
  times: number[];
}

const SPAN = 5_000;

/** Follow cameras. The map is filled without drawing but for a camera's first frame: who shows it
 * draws once a second anyway, and sixteen cameras tell something two hundred times. */
export function useHeard(ids: readonly string[]): ReadonlyMap<string, Heard> {
  const heard = useRef(new Map<string, Heard>());
  const [, draw] = useState({});
  const key = ids.join(" ");
  useEffect(() => {
    const ends = ids.map((id) =>
      onTracks(id, (frame) => {
        const at = performance.now();
        const before = heard.current.get(id);
        heard.current.set(id, { frame, times: [...(before?.times ?? []).filter((time) => at - time < SPAN), at] });
        if (!before) draw({});
      }),
    );
    for (const id of heard.current.keys()) if (!ids.includes(id)) heard.current.delete(id);
    return () => ends.forEach((end) => end());
  }, [key]);
  return heard.current;
}

/** Frames a second. */
export function rateOf({ times }: Heard): number {
  const recent = times.filter((time) => performance.now() - time < SPAN);
  const first = recent[0];
  const last = recent.at(-1);
  return first === undefined || last === undefined || last === first ? 0 : (1_000 * (recent.length - 1)) / (last - first);
}

/** How many people, and how many others, are in the last frame. */
export function countOf({ frame }: Heard): { people: number; others: number } {
  const people = frame.tracks.filter((track) => track.class_name === "person").length;
  return { people, others: frame.tracks.length - people };
}
