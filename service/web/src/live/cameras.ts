/** The cameras that may be seen, by name; asked for anew when one comes or goes. */

import { useEffect, useState } from "preact/hooks";
import { get, Problem, type Schemas } from "../api/client";
import { useReconnected, useStates } from "./hooks";

export type Camera = Schemas["StreamAnswer"];

export interface KnownCameras {
  /** null until they are known. */
  cameras: Camera[] | null;
  problem: Problem | null;
  reload(): Promise<void>;
}

/** All cameras, as people look for them: by name, 2 before 10. */
export async function listCameras(): Promise<Camera[]> {
  const found: Camera[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await get("/v1/streams", { query: { limit: 500, ...(cursor ? { cursor } : {}) } });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
}

export function useCameras(): KnownCameras {
  const [cameras, setCameras] = useState<Camera[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const states = useStates();

  const reload = async () => {
    try {
      setCameras(await listCameras());
      setProblem(null);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  };

  // The live states name every camera there is.
  const names = [...states.keys()].sort().join(" ");
  useEffect(() => void reload(), [names]);
  useReconnected(() => void reload());
  return { cameras, problem, reload };
}
