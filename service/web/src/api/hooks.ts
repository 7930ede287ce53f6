/** Answers of the service as state of a component. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Answer, get, type Options, type PathsWith, Problem } from "./client";

/** What is known of an answer: it stays while it is asked for again, also in vain. */
export interface Known<T> {
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload(): void;
}

/** Ask for something when a component appears, when the options change, and every so many ms.
 *
 * @param path null asks nothing.
 */
export function useAnswer<P extends PathsWith<"get">>(
  path: P | null,
  options: Omit<Options<P, "get">, "signal">,
  { every }: { every?: number } = {},
): Known<Answer<P, "get">> {
  const [known, setKnown] = useState<{ data?: Answer<P, "get">; problem?: Problem; loading: boolean }>({
    loading: path !== null,
  });
  const [round, setRound] = useState(0);
  const key = JSON.stringify([path, options]);
  const asked = useRef(key);

  useEffect(() => {
    if (path === null) return;
    const ending = new AbortController();
    // Another question: its answer is not that of the one before.
    setKnown((before) => (asked.current === key ? { ...before, loading: true } : { loading: true }));
    asked.current = key;
    // The compiler cannot see that options without a signal and a signal are options again.
    const whole = { ...options, signal: ending.signal } as unknown as Options<P, "get">;
    (get as (path: P, options: Options<P, "get">) => Promise<Answer<P, "get">>)(path, whole).then(
      (data) => setKnown({ data, loading: false }),
      (error: unknown) => {
        if (error instanceof Problem) setKnown((before) => ({ ...before, problem: error, loading: false }));
        else if (!ending.signal.aborted) throw error;
      },
    );
    return () => ending.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((before) => before + 1), []);

  useEffect(() => {
    if (!every || path === null) return;
    const timer = setInterval(() => document.hidden || reload(), every);
    return () => clearInterval(timer);
  }, [every, path === null]);

  return { data: known.data, problem: known.problem, loading: known.loading, reload };
}
