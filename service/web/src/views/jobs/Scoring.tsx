import { useEffect, useRef, useState } from "preact/hooks";
import { addressOf, del, post, Problem, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { upload } from "../../api/upload";
import { useReconnected } from "../../live/hooks";
import { Button } from "../../parts/Button";
import { Select } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Time } from "../../parts/Time";
import { may, useWho } from "../../session";
import { useText } from "../../text";
import { number, percent } from "../../text/format";

type Evaluation = Schemas["EvaluationAnswer"];
type Protocol = "mot15" | "mot16" | "mot17" | "mot20" | "dancetrack" | "plain";

const PROTOCOLS: readonly Protocol[] = ["mot17", "mot20", "mot15", "dancetrack", "plain"];
const SHARES = ["HOTA", "MOTA", "IDF1", "DetA", "AssA"] as const;
const COUNTS = ["IDSW", "FP", "FN", "MT", "ML", "Frag"] as const;

interface Properties {
  job: Schemas["JobAnswer"];
  onClose(): void;
}

/** A job's tracks against a ground truth, and what they were scored against before. */
export function Scoring({ job, onClose }: Properties) {
  const text = useText().jobs;
  const mine = may(useWho(), "operator");
  const path = { job_id: job.id };
  const { data, problem, reload } = useAnswer("/v1/jobs/{job_id}/evaluations", { path });
  useReconnected(() => problem && reload());
  const corrections = useAnswer("/v1/jobs/{job_id}/corrections", { path });
  const [protocol, setProtocol] = useState<Protocol>("mot17");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  const run = (work: Promise<unknown>) => {
    setBusy(true);
    setRefused(null);
    work
      .then(reload, (error: unknown) => {
        if (error instanceof Problem) setRefused(error);
      })
      .finally(() => setBusy(false));
  };
  const send = (file: File | undefined) => {
    if (!file) return;
    const query = { protocol, name: file.name };
    // A Blob of no type goes as it is, whatever the machine thinks that its ending means.
    const body = new Blob([file], { type: "application/octet-stream" });
    run(upload<Evaluation>(addressOf("/v1/jobs/{job_id}/evaluations", { path, query }), body, () => {}).done);
  };
  return (
    <section class="scoring card" aria-label={text.score}>
      <div class="bar">
        <h2 ref={heading} tabIndex={-1}>
          {text.score}
        </h2>
        <Button onClick={onClose}>{text.closeScoring}</Button>
      </div>
      {mine && (
        <div class="against">
          <Select
            label={text.protocol}
            hint={text.protocols[protocol]}
            value={protocol}
            options={PROTOCOLS.map((one) => [one, one] as const)}
            onValue={setProtocol}
          />
          <div class="actions">
            <Button kind="first" busy={busy} onClick={() => chooser.current?.click()}>
              {text.sendTruth}
            </Button>
            <input
              ref={chooser}
              hidden
              type="file"
              accept=".txt,.zip,.xml"
              onChange={(event) => {
                send(event.currentTarget.files?.[0]);
                event.currentTarget.value = "";
              }}
            />
            {(corrections.data?.revision ?? 0) > 0 && (
              <Button
                busy={busy}
                onClick={() => run(post("/v1/jobs/{job_id}/evaluations", { path, query: { protocol } }))}
              >
                {text.againstCorrections}
              </Button>
            )}
          </div>
          <p class="quiet">{text.truthKinds}</p>
        </div>
      )}
      {busy && <Notice kind="wait">{text.busyScoring}</Notice>}
      <ProblemNotice problem={refused ?? problem} />
      {data?.items.length === 0 && !busy && <p class="quiet">{text.noScores}</p>}
      {data?.items.map((one) => (
        <Scores
          key={one.id}
          evaluation={one}
          onRemove={
            mine
              ? () => run(del("/v1/jobs/{job_id}/evaluations/{evaluation_id}", { path: { ...path, evaluation_id: one.id } }))
              : null
          }
        />
      ))}
    </section>
  );
}

function Scores({ evaluation, onRemove }: { evaluation: Evaluation; onRemove: (() => void) | null }) {
  const text = useText().jobs;
  const { scores, intervals } = evaluation;
  return (
    <article class="scores" aria-label={evaluation.truth ?? text.corrections}>
      <h3>
        {evaluation.truth ?? text.corrections} <span class="quiet">{evaluation.protocol}</span>{" "}
        <Time at={evaluation.created_at} />
      </h3>
      <dl>
        {SHARES.map((name) => {
          const value = scores[name];
          const ends = intervals[name];
          return (
            <div key={name} class={name === "HOTA" || name === "MOTA" || name === "IDF1" ? "main" : ""}>
              <dt>{name}</dt>
              <dd class="number">{typeof value === "number" ? percent(value, 1) : "–"}</dd>
              {ends && (
                <dd class="quiet number">
                  {percent(ends[0], 1)} – {percent(ends[1], 1)}
                </dd>
              )}
            </div>
          );
        })}
        {COUNTS.map((name) => {
          const value = scores[name];
          return (
            <div key={name}>
              <dt title={text.scoreNames[name]}>{name}</dt>
              <dd class="number">{typeof value === "number" ? number(value) : "–"}</dd>
              <dd class="quiet">{text.scoreNames[name]}</dd>
            </div>
          );
        })}
      </dl>
      <p class="quiet">{text.intervals}</p>
      {evaluation.warnings.map((warning) => (
        <Notice key={warning} kind="wait">
          {warning}
        </Notice>
      ))}
      <div class="actions">
        {evaluation.report && (
          <a class="button" href={evaluation.report} target="_blank" rel="noopener">
            {text.report}
          </a>
        )}
        {onRemove && <Button onClick={onRemove}>{text.forget}</Button>}
      </div>
    </article>
  );
}
