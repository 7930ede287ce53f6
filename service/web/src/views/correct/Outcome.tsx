import { addressOf, type Schemas } from "../../api/client";
import { hrefOf } from "../../routes";
import { useText } from "../../text";

/** The corrected tracks as files, and what reads them. */
export function Outcome({ job, revision }: { job: Schemas["JobAnswer"]; revision: number }) {
  const text = useText().correct;
  const path = { job_id: job.id };
  const stem = job.name.replace(/\.[^.]*$/, "");
  // Another revision is another file; the address tells it to whatever keeps answers.
  const query = { revision };
  const files = [
    [addressOf("/v1/jobs/{job_id}/corrected.gt.txt", { path, query }), "gt.txt", text.mot],
    [addressOf("/v1/jobs/{job_id}/corrected.cvat.xml", { path, query }), "cvat.xml", text.cvat],
    [addressOf("/v1/jobs/{job_id}/sequence.zip", { path, query }), "zip", text.sequence],
  ] as const;
  return (
    <section class="outcome card" aria-label={text.outcome}>
      <h2>{text.outcome}</h2>
      <ul>
        {files.map(([address, ending, hint]) => (
          <li key={ending}>
            <a class="button" href={address} download={`${stem}.${ending}`}>
              {ending}
            </a>
            <span class="quiet">{hint}</span>
          </li>
        ))}
      </ul>
      <p>
        <code>sightline eval {stem}.gt.txt {text.results}</code> <code>sightline train {stem}/</code>
      </p>
      <p class="quiet">
        {text.scoreHint} <a href={hrefOf("jobs", job.id)}>{text.back}</a>
      </p>
    </section>
  );
}
