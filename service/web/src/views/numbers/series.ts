/** What the service counted, added up by hours or days of the viewer's zone. */

import { useEffect, useState } from "preact/hooks";
import { get, Problem, type Schemas } from "../../api/client";
import { type Place, ruleOf } from "./places";
import { bucketFor, floorTo, nextOf, steps, type Wish } from "./time";

/** A number a step; null where there is none (nobody left, so nobody had stayed). */
export interface Series {
  steps: Date[];
  came: number[];
  left: number[];
  /** Empty for lines, which nobody is in. */
  average: number[];
  peak: number[];
  /** Minutes that those who left had stayed, on average. */
  stayed: (number | null)[];
}

export interface Asked {
  series: Series | undefined;
  problem: Problem | undefined;
}

const FRESH = 60_000;
const RETRY = 5_000;

/** Everything about a place in a stretch of time. */
export function useSeries(wish: Wish, place: Place): Asked {
  const [asked, setAsked] = useState<Asked>({ series: undefined, problem: undefined });
  const key = JSON.stringify([wish, place]);
  useEffect(() => {
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = () => {
      const count = place.startsWith("line:") ? crossings : presence;
      count(wish, place, ending.signal).then(
        (series) => {
          setAsked({ series, problem: undefined });
          timer = setTimeout(ask, FRESH);
        },
        (error: unknown) => {
          if (!(error instanceof Problem)) return;
          setAsked((before) => ({ ...before, problem: error }));
          timer = setTimeout(ask, RETRY);
        },
      );
    };
    ask();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return asked;
}

async function presence(wish: Wish, place: Place, signal: AbortSignal): Promise<Series> {
  const zone = place === "picture" ? "" : ruleOf(place);
  const { items } = await get("/v1/presence", { query: { ...queryOf(wish), class: wish.classes }, signal });
  const here = items.filter((row) => row.zone === zone);
  const all = steps(wish);
  const stayedSeconds = sums(all, wish, here, (row) => row.stayed_seconds);
  const left = sums(all, wish, here, (row) => row.left);
  const seconds = sums(all, wish, here, (row) => row.seconds);
  return {
    steps: all,
    came: sums(all, wish, here, (row) => row.came),
    left,
    average: all.map((step, at) => (seconds[at] ?? 0) / (lengthOf(step, wish) / 1_000)),
    peak: sums(all, wish, here, (row) => row.peak, Math.max),
    stayed: left.map((count, at) => (count > 0 ? (stayedSeconds[at] ?? 0) / count / 60 : null)),
  };
}

async function crossings(wish: Wish, place: Place, signal: AbortSignal): Promise<Series> {
  const rows: Schemas["CountAnswer"][] = [];
  let cursor: string | null | undefined;
  do {
    const page = await get("/v1/counts", {
      query: { ...queryOf(wish), rule: [ruleOf(place)], kind: ["line_cross"], limit: 500, ...(cursor ? { cursor } : {}) },
      signal,
    });
    rows.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  const all = steps(wish);
  const of = (direction: string) => rows.filter((row) => row.direction === direction);
  return {
    steps: all,
    came: sums(all, wish, of("in"), (row) => row.count),
    left: sums(all, wish, of("out"), (row) => row.count),
    average: [],
    peak: [],
    stayed: [],
  };
}

function queryOf({ stream, begin, end }: Wish) {
  return { stream: [stream], bucket: bucketFor(begin), begin: begin.toISOString(), end: end.toISOString() };
}

/** A value a step, of the rows that begin in it. */
function sums<R extends { start: string }>(
  all: Date[],
  { grain }: Wish,
  rows: readonly R[],
  value: (row: R) => number,
  join = (one: number, other: number) => one + other,
): number[] {
  const places = new Map(all.map((step, at) => [step.getTime(), at]));
  const found = all.map(() => 0);
  for (const row of rows) {
    const at = places.get(floorTo(new Date(row.start), grain).getTime());
    if (at !== undefined) found[at] = join(found[at] ?? 0, value(row));
  }
  return found;
}

/** How much of a step lies behind us: the present hour is not over. */
function lengthOf(step: Date, { grain, begin, end }: Wish): number {
  const from = Math.max(step.getTime(), begin.getTime());
  const to = Math.min(nextOf(step, grain).getTime(), end.getTime(), Math.max(Date.now(), from + 1_000));
  return Math.max(to - from, 1_000);
}
