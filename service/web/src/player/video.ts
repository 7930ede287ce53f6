/** Which copy of a job's video a browser plays. */

import { useEffect, useState } from "preact/hooks";
import { addressOf, ask, Problem, type Schemas } from "../api/client";

/** `copying`: the file as it was sent cannot be played, and a copy is being made. */
export type Copy =
  | { kind: "upload" | "plain"; address: string; begin: number }
  | { kind: "copying"; blurred: boolean }
  | { kind: "none"; problem: Problem };

/** The copy to play; `refuse` says that the browser cannot play it.
 *
 * @param begin Seconds of the video at which the frames begin that were looked at.
 */
export function useCopy(job: Schemas["JobAnswer"], begin: number): [Copy, () => void] {
  const blurred = job.options.blur !== "off";
  const path = { job_id: job.id };
  const [copy, setCopy] = useState<Copy>(() =>
    blurred
      ? { kind: "copying", blurred }
      : { kind: "upload", address: addressOf("/v1/jobs/{job_id}/upload", { path }), begin: 0 },
  );

  useEffect(() => {
    if (copy.kind !== "copying") return;
    const ending = new AbortController();
    const address = addressOf("/v1/jobs/{job_id}/plain.mp4", { path });
    // Answered once it is made; then only its head is read here.
    ask("GET", address, { signal: ending.signal }).then(
      (answer) => {
        void answer.body?.cancel();
        setCopy({ kind: "plain", address, begin });
      },
      (error: unknown) => {
        if (error instanceof Problem) setCopy({ kind: "none", problem: error });
      },
    );
    return () => ending.abort();
  }, [copy.kind]);

  return [copy, () => setCopy((now) => (now.kind === "upload" ? { kind: "copying", blurred: false } : now))];
}
