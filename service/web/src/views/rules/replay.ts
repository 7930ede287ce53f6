/** Rules tried on the tracks that were recorded last, and those tracks to look at. */

import { get, post, Problem, type Schemas } from "../../api/client";
import { linesOf, type Shape, zonesOf } from "./shapes";

export type Totals = Schemas["TotalAnswer"][];

/** One track on its way. */
export interface Walk {
  id: string;
  start: number;
  end: number;
  /** Seconds since the start, x1, y1, x2, y2 in 0…1. */
  path: readonly (readonly [number, number, number, number, number])[];
}

export interface Replayed {
  /** In ms. */
  begin: number;
  end: number;
  events: Schemas["Happening"][];
  totals: Totals;
  frames: number;
  walks: Walk[];
  /** What was tried; another drawing may have another result. */
  shapes: readonly Shape[];
}

const MOST_WALKS = 1_000;
const PAGE = 250;

/** Try what is drawn on the last so many seconds that were recorded; null where nothing was.
 *
 * @throws Problem if it is refused.
 */
export async function replay(
  stream: string,
  shapes: readonly Shape[],
  seconds: number,
  signal: AbortSignal,
): Promise<Replayed | null> {
  const path = { stream_id: stream };
  const recorded = await get("/v1/streams/{stream_id}/recorded", { path, signal });
  if (!recorded.end || !recorded.begin) return null;
  const end = Date.parse(recorded.end) + 1;
  const begin = Math.max(end - seconds * 1_000, Date.parse(recorded.begin));
  const times = { begin: new Date(begin).toISOString(), end: new Date(end).toISOString() };
  const body = { stream, ...times, lines: linesOf(shapes), zones: zonesOf(shapes) };
  const [answer, walks] = await Promise.all([
    patiently(() => post("/v1/rules/replay", { body, signal }), signal),
    walksOf(stream, times, signal),
  ]);
  const from = answer.recorded_from ? Date.parse(answer.recorded_from) : begin;
  return { begin: from, end, events: answer.events, totals: answer.totals, frames: answer.frames, walks, shapes };
}

/** Where a track's feet are at a moment; null where it is not there. */
export function feetAt(walk: Walk, time: number): readonly [number, number] | null {
  const seconds = (time - walk.start) / 1_000;
  const behind = walk.path.findIndex((place) => place[0] >= seconds);
  const after = walk.path[behind];
  if (!after || time < walk.start) return null;
  const before = walk.path[Math.max(0, behind - 1)] ?? after;
  const share = after[0] === before[0] ? 1 : (seconds - before[0]) / (after[0] - before[0]);
  const between = (index: 1 | 3 | 4) => before[index] + share * (after[index] - before[index]);
  return [(between(1) + between(3)) / 2, between(4)];
}

async function walksOf(stream: string, times: { begin: string; end: string }, signal: AbortSignal): Promise<Walk[]> {
  const walks: Walk[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await get("/v1/streams/{stream_id}/paths", {
      path: { stream_id: stream },
      query: { ...times, limit: PAGE, cursor: cursor ?? null },
      signal,
    });
    for (const { id, started_at, path } of page.items) {
      const start = Date.parse(started_at);
      walks.push({ id, start, end: start + (path.at(-1)?.[0] ?? 0) * 1_000, path });
    }
    cursor = page.next_cursor;
  } while (cursor && walks.length < MOST_WALKS);
  return walks;
}

/** One replay runs at a time: wait for that of somebody else, some times. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal, times = 4): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 429 || times === 0) throw error;
    await new Promise((done) => setTimeout(done, 1_000 * (error.retryAfter ?? 1)));
    signal.throwIfAborted();
    return patiently(work, signal, times - 1);
  }
}
