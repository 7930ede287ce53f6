/** What is wrong with what is drawn, asked while one draws: rules that can never fire, crossed edges. */

import { useEffect, useState } from "preact/hooks";
import { post, Problem, type Schemas } from "../../api/client";
import { linesOf, type Shape, zonesOf } from "./shapes";

export type Reason = Schemas["NeverFiringAnswer"]["reason"];

export interface Found {
  /** Why a line or zone can never fire, by the shape's key. */
  never: ReadonlyMap<string, Reason>;
  /** What the service would refuse, by the shape's key. */
  faults: ReadonlyMap<string, string>;
}

const NOTHING: Found = { never: new Map(), faults: new Map() };
const PAUSE = 250;

/** Ask once the drawing has stood still for a moment. */
export function useCheck(shapes: readonly Shape[]): Found {
  const [found, setFound] = useState<Found>(NOTHING);
  useEffect(() => {
    const ending = new AbortController();
    const timer = setTimeout(() => {
      check(shapes, ending.signal).then(setFound, (error: unknown) => {
        // Nobody answers, or the role is too low: saving says so.
        if (!(error instanceof Problem) && !ending.signal.aborted) throw error;
      });
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [shapes]);
  return found;
}

async function check(shapes: readonly Shape[], signal: AbortSignal): Promise<Found> {
  const lines = shapes.filter(({ kind }) => kind === "line");
  const zones = shapes.filter(({ kind }) => kind === "zone");
  const masks = shapes.filter(({ kind }) => kind === "mask");
  // A mask is an area as a zone is; that nobody can stand in it is no fault of it.
  const areas = masks.map((mask): Shape => ({ ...mask, kind: "zone", rule: { id: `${mask.key.replace(" ", "-")}-` } }));
  const body = { lines: linesOf(lines), zones: zonesOf([...zones, ...areas]) };
  try {
    const { warnings } = await post("/v1/rules/check", { body, signal });
    const never = warnings.flatMap(({ place, id, reason }) => {
      const shape = shapes.find(({ kind, rule }) => kind === place && rule?.id === id);
      return shape ? [[shape.key, reason] as const] : [];
    });
    return { never: new Map(never), faults: new Map() };
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 422) throw error;
    return { never: new Map(), faults: faultsOf(error, lines, [...zones, ...masks]) };
  }
}

/** A refusal's places (`zones.1.points`), by the keys of the shapes that were sent. */
export function faultsOf(problem: Problem, lines: readonly Shape[], areas: readonly Shape[]): Map<string, string> {
  const faults = new Map<string, string>();
  for (const { field, message } of problem.errors) {
    const match = /(lines|zones|masks)\.(\d+)/.exec(field);
    const shape = match && (match[1] === "lines" ? lines : areas)[Number(match[2])];
    if (shape) faults.set(shape.key, message);
  }
  return faults;
}
