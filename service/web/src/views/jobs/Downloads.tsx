import type { Schemas } from "../../api/client";
import { useText } from "../../text";

/** Everything that a job's tracks are handed out as. */
export function Downloads({ job }: { job: Schemas["JobAnswer"] }) {
  const text = useText().jobs;
  return (
    <section class="downloads card" aria-label={text.downloads}>
      <h2>{text.downloads}</h2>
      <ul>
        {Object.entries(job.results).map(([ending, address]) => (
          <li key={ending}>
            <a class="button" href={address} download>
              {ending}
            </a>
            <span class="quiet">{text.formats[ending as keyof typeof text.formats]}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
