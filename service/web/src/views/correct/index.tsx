/** A job's tracks corrected by a person: what comes out is a ground truth. */

import { useAnswer } from "../../api/hooks";
import { useReconnected } from "../../live/hooks";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, type ViewProperties } from "../../routes";
import { useText } from "../../text";
import { Corrector } from "./Corrector";
import "./correct.css";

export default function Correct({ parts: [id] }: ViewProperties) {
  const text = useText().correct;
  const { data: job, problem, reload } = useAnswer(id ? "/v1/jobs/{job_id}" : null, { path: { job_id: id ?? "" } });
  useReconnected(() => problem && reload());
  const lost = !id || problem?.status === 404 || problem?.status === 422 || (job && job.state !== "DONE");
  return (
    <Page
      title={job ? text.of(job.name) : text.title}
      actions={
        id && (
          <a class="button plain" href={hrefOf("jobs", id)}>
            {text.back}
          </a>
        )
      }
    >
      {lost ? (
        <EmptyState title={text.nothing}>
          <p>{text.nothingHint}</p>
          <a class="button" href={hrefOf("jobs")}>
            {text.jobs}
          </a>
        </EmptyState>
      ) : (
        <>
          <ProblemNotice problem={problem} />
          {job && <Corrector key={job.id} job={job} />}
        </>
      )}
    </Page>
  );
}
