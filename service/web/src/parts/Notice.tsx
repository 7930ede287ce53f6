import type { ComponentChildren } from "preact";
import { Problem } from "../api/client";
import { useText } from "../text";
import { duration } from "../text/format";

interface Properties {
  kind?: "good" | "wait" | "bad" | "off";
  children: ComponentChildren;
}

/** A sentence that is read aloud when it appears. */
export function Notice({ kind = "off", children }: Properties) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** What went wrong, in a sentence; nothing if nothing did. */
export function ProblemNotice({ problem }: { problem: Problem | null | undefined }) {
  const text = useText();
  if (!problem) return null;
  let said = problem.detail;
  if (problem.status === 0) said = text.parts.noAnswer;
  else if (problem.status === 429) said = text.parts.tooMany(duration((problem.retryAfter ?? 60) * 1_000));
  return <Notice kind="bad">{said}</Notice>;
}
