import { useState } from "preact/hooks";
import { del, post, Problem, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { EmptyState } from "../../parts/EmptyState";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, navigate } from "../../routes";
import { may, useWho } from "../../session";
import { useText } from "../../text";
import { JobState } from "./JobState";
import { Downloads } from "./Downloads";
import { Result } from "./Result";
import { Scoring } from "./Scoring";

const ENDED = new Set<Schemas["JobAnswer"]["state"]>(["DONE", "FAILED", "CANCELLED"]);

/** One job: how far it is, then what it found. */
export function JobPage({ id }: { id: string }) {
  const texts = useText();
  const text = texts.jobs;
  const mine = may(useWho(), "operator");
  const [ended, setEnded] = useState(false);
  const path = { job_id: id };
  const { data: job, problem, reload } = useAnswer("/v1/jobs/{job_id}", { path }, ended ? {} : { every: 1_000 });
  const [refused, setRefused] = useState<Problem | null>(null);
  const [deleting, setDeleting] = useState(false);
  const [scoring, setScoring] = useState(false);
  if (job && ENDED.has(job.state) !== ended) setEnded(!ended);

  const act = (work: Promise<unknown>, then: () => void) => {
    setRefused(null);
    work.then(then, (error: unknown) => {
      if (error instanceof Problem) setRefused(error);
    });
  };
  if (problem?.status === 404 || problem?.status === 422) {
    return (
      <Page title={text.title}>
        <EmptyState title={text.gone}>
          <a class="button" href={hrefOf("jobs")}>
            {text.all}
          </a>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title={job?.name ?? text.title}
      summary={job && <JobState job={job} />}
      actions={
        <>
          <a class="button plain" href={hrefOf("jobs")}>
            {text.all}
          </a>
          {job?.state === "DONE" && (
            <Button aria-expanded={scoring} onClick={() => setScoring(!scoring)}>
              {text.score}
            </Button>
          )}
          {job?.state === "DONE" && mine && (
            <a class="button first" href={hrefOf("correct", id)}>
              {text.correct}
            </a>
          )}
          {job && !ended && mine && (
            <Button onClick={() => act(post("/v1/jobs/{job_id}/cancel", { path }), reload)}>{text.cancel}</Button>
          )}
          {job && mine && (
            <Button kind="danger" onClick={() => setDeleting(true)}>
              {text.remove}
            </Button>
          )}
        </>
      }
    >
      <div class="jobs">
        <ProblemNotice problem={refused ?? problem} />
        {job?.error && <Notice kind="bad">{job.error.message}</Notice>}
        {job?.warnings.map((warning) => (
          <Notice key={warning} kind="wait">
            {warning}
          </Notice>
        ))}
        {job && !ended && (
          <EmptyState title={text.working[job.state === "QUEUED" ? "QUEUED" : "RUNNING"]}>{text.workingHint}</EmptyState>
        )}
        {job?.state === "DONE" && (
          <>
            {scoring && <Scoring job={job} onClose={() => setScoring(false)} />}
            <Result job={job} />
            <Downloads job={job} />
          </>
        )}
      </div>
      {deleting && job && (
        <Confirm
          title={text.removeTitle(job.name)}
          action={text.remove}
          onConfirm={async () => {
            await del("/v1/jobs/{job_id}", { path });
            navigate(hrefOf("jobs"));
          }}
          onClose={() => setDeleting(false)}
        >
          <p>{text.removeHint}</p>
        </Confirm>
      )}
    </Page>
  );
}
