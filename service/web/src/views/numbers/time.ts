/** Stretches of time in the viewer's zone: what is asked for, and how answers are added up. */

export type Grain = "hour" | "day";
export const RANGES = ["today", "yesterday", "day", "week", "month"] as const;
export type RangeName = (typeof RANGES)[number];

/** What the numbers are about. */
export interface Wish {
  stream: string;
  grain: Grain;
  begin: Date;
  end: Date;
  /** Empty for all. */
  classes: string[];
}

const HOUR = 3_600_000;
const MOST_DAYS = 30;

/** A stretch that ends with the last whole hour's end, or with a day. */
export function rangeOf(name: RangeName, now: number): { begin: Date; end: Date } {
  const end = floorTo(new Date(now), "hour");
  end.setHours(end.getHours() + 1);
  const today = floorTo(new Date(now), "day");
  switch (name) {
    case "today":
      return { begin: today, end };
    case "yesterday":
      return { begin: daysBefore(today, 1), end: today };
    case "day":
      return { begin: new Date(end.getTime() - 24 * HOUR), end };
    case "week":
      return { begin: daysBefore(today, 6), end };
    case "month":
      return { begin: daysBefore(today, MOST_DAYS - 1), end };
  }
}

/** The stretches that the service is asked for: of which every hour and day of the zone is a sum. */
export function bucketFor(begin: Date): "1h" | "15m" {
  return begin.getTimezoneOffset() % 60 === 0 ? "1h" : "15m";
}

/** Beginnings of the hours or days of a stretch, in the viewer's zone. */
export function steps({ begin, end, grain }: Pick<Wish, "begin" | "end" | "grain">): Date[] {
  const found: Date[] = [];
  for (let step = floorTo(begin, grain); step < end; step = nextOf(step, grain)) found.push(step);
  return found;
}

/** The end of an hour or day; one of summer time may have 23 or 25 hours. */
export function nextOf(step: Date, grain: Grain): Date {
  if (grain === "hour") return new Date(step.getTime() + HOUR);
  const next = new Date(step);
  next.setDate(next.getDate() + 1);
  return next;
}

export function floorTo(time: Date, grain: Grain): Date {
  const floor = new Date(time);
  if (grain === "hour") floor.setMinutes(0, 0, 0);
  else floor.setHours(0, 0, 0, 0);
  return floor;
}

function daysBefore(day: Date, count: number): Date {
  const before = new Date(day);
  before.setDate(before.getDate() - count);
  return before;
}
