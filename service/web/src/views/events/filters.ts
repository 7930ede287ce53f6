/** What the list of events is narrowed by; it stands in the address, so that a link keeps it. */

import type { LiveEvent } from "../../live/messages";
import { hrefOf } from "../../routes";

export type EventKind = LiveEvent["kind"];

export interface Filters {
  stream: string;
  /** Empty for everything that rules report. */
  kind: EventKind | "" | "all";
  rule: string;
  class: string;
  track: string;
  /** As `<input type="datetime-local">` has them: in the viewer's zone. */
  begin: string;
  end: string;
}

export const NONE: Filters = { stream: "", kind: "", rule: "", class: "", track: "", begin: "", end: "" };

/** What rules report, and what else happens. */
export const OF_RULES: readonly EventKind[] = [
  "line_cross",
  "zone_enter",
  "zone_exit",
  "zone_dwell",
  "loitering",
  "occupancy",
  "transit",
];
export const OTHERS: readonly EventKind[] = ["track_start", "track_end", "stream_state"];

export function readFilters(query: URLSearchParams): Filters {
  const filters = { ...NONE };
  for (const name of Object.keys(NONE) as (keyof Filters)[]) {
    const value = query.get(name);
    if (value) Object.assign(filters, { [name]: value });
  }
  return filters;
}

/** The address of the list with these filters. */
export function hrefWith(filters: Partial<Filters>): string {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  return query.size > 0 ? `${hrefOf("events")}?${query}` : hrefOf("events");
}

/** The filters as `GET /v1/events` takes them. */
export function queryOf(filters: Filters) {
  return {
    stream: list(filters.stream),
    kind: kindsOf(filters),
    rule: list(filters.rule),
    class: list(filters.class),
    track: filters.track || null,
    begin: time(filters.begin),
    end: time(filters.end),
  };
}

/** Whether a new event belongs into the list. */
export function isWanted(event: LiveEvent, filters: Filters): boolean {
  const { begin, end } = queryOf(filters);
  const at = Date.parse(event.time);
  return (
    (!filters.stream || event.stream === filters.stream) &&
    (kindsOf(filters)?.includes(event.kind) ?? true) &&
    (!filters.rule || event.rule === filters.rule) &&
    (!filters.class || event.class_name === filters.class) &&
    (!filters.track || event.track === filters.track) &&
    (!begin || at >= Date.parse(begin)) &&
    (!end || at < Date.parse(end))
  );
}

function kindsOf({ kind, track }: Filters): EventKind[] | null {
  // Of one person everything is of interest, also that they came and went.
  if (kind === "all" || (kind === "" && track)) return null;
  return kind === "" ? [...OF_RULES] : [kind];
}

function list(value: string): string[] | null {
  return value ? [value] : null;
}

function time(value: string): string | null {
  const at = new Date(value);
  return value && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
