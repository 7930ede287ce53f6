/** Lines and zones of cameras, by the names that people gave them. */

import { useEffect, useState } from "preact/hooks";
import { get } from "./client";

export interface RuleName {
  stream: string;
  id: string;
  name: string;
}

/** Every line and zone of some cameras; those that cannot be asked for now are left out. */
export function useRuleNames(streams: readonly string[]): readonly RuleName[] {
  const [names, setNames] = useState<readonly RuleName[]>([]);
  const key = streams.join(" ");
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const of = async (stream: string): Promise<RuleName[]> => {
      const path = { stream_id: stream };
      const [{ lines }, { zones }] = await Promise.all([
        get("/v1/streams/{stream_id}/lines", { path, signal }),
        get("/v1/streams/{stream_id}/zones", { path, signal }),
      ]);
      return [...lines, ...zones].map(({ id, name }) => ({ stream, id, name: name || id }));
    };
    void Promise.all(streams.map((stream) => of(stream).catch(() => []))).then((found) => {
      if (!signal.aborted) setNames(found.flat());
    });
    return () => ending.abort();
  }, [key]);
  return names;
}
