/** What was drawn, and what it was before: every change can be undone. */

import { useState } from "preact/hooks";
import type { Shape } from "./shapes";

const MOST_STEPS = 200;

interface Steps {
  past: readonly (readonly Shape[])[];
  now: readonly Shape[];
  future: readonly (readonly Shape[])[];
  /** Which gesture made the last change: all of one is one step. */
  gesture: string | null;
  /** What the service has. */
  saved: readonly Shape[];
}

export interface Drawn {
  shapes: readonly Shape[];
  saved: readonly Shape[];
  isChanged: boolean;
  canUndo: boolean;
  canRedo: boolean;
  /** @param gesture Changes of the same gesture are undone together. */
  change(shapes: readonly Shape[], gesture?: string | null): void;
  undo(): void;
  redo(): void;
  /** The service has these now; what was drawn before can still be undone. */
  keep(saved: readonly Shape[]): void;
}

// What somebody has drawn and not saved stays while they look at another view.
const drafts = new Map<string, Steps>();

/** The shapes of a camera; `loaded` is what the service has when the view opens. */
export function useDrawn(stream: string, loaded: readonly Shape[]): Drawn {
  const [steps, setSteps] = useState<Steps>(
    () => drafts.get(stream) ?? { past: [], now: loaded, future: [], gesture: null, saved: loaded },
  );
  const step = (change: (before: Steps) => Steps) =>
    setSteps((before) => {
      const after = change(before);
      if (isSame(after.now, after.saved)) drafts.delete(stream);
      else drafts.set(stream, after);
      return after;
    });
  return {
    shapes: steps.now,
    saved: steps.saved,
    isChanged: !isSame(steps.now, steps.saved),
    canUndo: steps.past.length > 0,
    canRedo: steps.future.length > 0,
    change: (now, gesture = null) =>
      step((before) => {
        const goesOn = gesture !== null && gesture === before.gesture;
        const past = goesOn ? before.past : [...before.past, before.now].slice(-MOST_STEPS);
        return { ...before, past, now, future: [], gesture };
      }),
    undo: () =>
      step((before) => {
        const now = before.past.at(-1);
        if (!now) return before;
        return { ...before, past: before.past.slice(0, -1), now, future: [before.now, ...before.future], gesture: null };
      }),
    redo: () =>
      step((before) => {
        const now = before.future[0];
        if (!now) return before;
        return { ...before, past: [...before.past, before.now], now, future: before.future.slice(1), gesture: null };
      }),
    keep: (saved) => step((before) => ({ ...before, saved })),
  };
}

/** Whether any camera has drawings that are not saved. */
export function hasDrafts(): boolean {
  return drafts.size > 0;
}

function isSame(one: readonly Shape[], other: readonly Shape[]): boolean {
  return one === other || JSON.stringify(one.map(plain)) === JSON.stringify(other.map(plain));
}

function plain({ kind, points, rule }: Shape): unknown {
  return [kind, points, rule];
}
