import { clock, fullTime } from "../text/format";

/** A time in the viewer's zone; in full where the pointer rests on it. */
export function Time({ at }: { at: string }) {
  return (
    <time class="number" dateTime={at} title={fullTime(at)}>
      {clock(at)}
    </time>
  );
}
