/** The list of events: pages of what happened, and what happens while one looks. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, type Schemas } from "../../api/client";
import { now } from "../../live/connection";
import { useEvents, useReconnected } from "../../live/hooks";
import type { LiveEvent } from "../../live/messages";
import { type Filters, isWanted, queryOf } from "./filters";

export type Event = Schemas["EventAnswer"];

const PAGE = 40;
/** A tab that is open for a week shall not grow. */
const MOST = 400;
/** Pictures come some seconds after their event, the clip's last of all; asked for so often, so long. */
const PICTURES_EVERY = 4_000;
const PICTURES_FOR = 45_000;

export interface EventList {
  items: readonly Event[];
  loading: boolean;
  problem: Problem | null;
  hasMore: boolean;
  /** Asks for the page behind. */
  more(): void;
}

/** @param paused New events wait until it is false again. */
export function useEventList(filters: Filters, paused: boolean): EventList & { waiting: number } {
  const [items, setItems] = useState<readonly Event[]>([]);
  const [waiting, setWaiting] = useState<readonly Event[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [round, setRound] = useState(0);
  const key = JSON.stringify(queryOf(filters));
  const newest = useRef({ filters, paused });
  newest.current = { filters, paused };

  const load = (from: string | null, signal?: AbortSignal) => {
    setLoading(true);
    get("/v1/events", { query: { ...queryOf(filters), limit: PAGE, cursor: from }, ...(signal ? { signal } : {}) }).then(
      (page) => {
        setItems((before) => (from === null ? page.items : merged(before, page.items)));
        setCursor(page.next_cursor ?? null);
        setProblem(null);
        setLoading(false);
      },
      (error: unknown) => {
        if (signal?.aborted) return;
        if (!(error instanceof Problem)) throw error;
        setProblem(error);
        setLoading(false);
      },
    );
  };
  useEffect(() => {
    const ending = new AbortController();
    setWaiting([]);
    load(null, ending.signal);
    return () => ending.abort();
  }, [key, round]);
  useReconnected(() => setRound((before) => before + 1));

  useEvents((event: LiveEvent) => {
    if (!isWanted(event, newest.current.filters)) return;
    const added = [{ ...event, pictures: [] }];
    if (newest.current.paused) setWaiting((before) => merged(added, before).slice(0, MOST));
    else setItems((before) => merged(added, before).slice(0, MOST));
  });
  useEffect(() => {
    if (paused || waiting.length === 0) return;
    setItems((before) => merged(waiting, before).slice(0, MOST));
    setWaiting([]);
  }, [paused, waiting]);

  const isIncomplete = items.some(mayGetPictures);
  useEffect(() => {
    if (!isIncomplete) return;
    const timer = setInterval(() => {
      // One question for all of them; what is wrong with the service is said elsewhere.
      get("/v1/events", { query: { ...queryOf(newest.current.filters), limit: PAGE } }).then(
        (page) => setItems((before) => withPictures(before, page.items)),
        () => undefined,
      );
    }, PICTURES_EVERY);
    return () => clearInterval(timer);
  }, [isIncomplete, key]);

  return {
    items,
    waiting: waiting.length,
    loading,
    problem,
    hasMore: cursor !== null,
    more: () => load(cursor),
  };
}

/** An event with the pictures that are kept of it by now: asked for while they may still come. */
export function useWithPictures(event: Event): Event {
  const [known, setKnown] = useState(event);
  const isIncomplete = mayGetPictures(known);
  useEffect(() => {
    if (!isIncomplete) return;
    const timer = setInterval(() => {
      // It may be erased by now: then it has none.
      get("/v1/events/{event_id}", { path: { event_id: event.id } }).then(setKnown, () => undefined);
    }, PICTURES_EVERY);
    return () => clearInterval(timer);
  }, [isIncomplete]);
  return known;
}

/** Whether more pictures of an event may be kept in a moment. */
function mayGetPictures({ kind, pictures, decided }: Event): boolean {
  const isComplete = pictures.includes("clip") || kind === "stream_state";
  return !isComplete && now() - Date.parse(decided) < PICTURES_FOR;
}

/** The list with what is known of its events by now. */
function withPictures(before: readonly Event[], asked: readonly Event[]): readonly Event[] {
  const known = new Map(asked.map((event) => [event.id, event]));
  return before.map((event) => known.get(event.id) ?? event);
}

/** Both lists in the order of time, each event once. */
function merged(one: readonly Event[], other: readonly Event[]): readonly Event[] {
  const all = new Map([...other, ...one].map((event) => [event.id, event]));
  return [...all.values()].sort((a, b) => Date.parse(b.time) - Date.parse(a.time) || (a.id < b.id ? 1 : -1));
}
