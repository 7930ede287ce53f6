import type { Schemas } from "../../api/client";
import { Badge, type BadgeKind } from "../../parts/Badge";
import { useText } from "../../text";
import { number, percent } from "../../text/format";

const KINDS: Record<Schemas["JobAnswer"]["state"], BadgeKind> = {
  QUEUED: "off",
  RUNNING: "wait",
  DONE: "good",
  FAILED: "bad",
  CANCELLED: "off",
};

/** What a job does, and how far it is. */
export function JobState({ job }: { job: Schemas["JobAnswer"] }) {
  const text = useText().jobs;
  return (
    <span class="job-state">
      <Badge kind={KINDS[job.state]}>{text.states[job.state]}</Badge>
      {job.state === "RUNNING" && (
        <>
          <progress aria-label={text.progress} max={1} {...(job.progress === null ? {} : { value: job.progress })} />
          <span class="number quiet">
            {job.progress === null ? text.frames(number(job.frames)) : percent(job.progress)}
          </span>
        </>
      )}
    </span>
  );
}
