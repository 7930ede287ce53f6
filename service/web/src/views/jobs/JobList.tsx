import { useAnswer } from "../../api/hooks";
import type { Schemas } from "../../api/client";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { Pager, usePages } from "../../parts/Pager";
import { Table } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { hrefOf, navigate } from "../../routes";
import { may, useWho } from "../../session";
import { useText } from "../../text";
import { bytes } from "../../text/format";
import { JobState } from "./JobState";
import { SendVideo } from "./SendVideo";

type Job = Schemas["JobAnswer"];

/** All jobs, the newest first, and a place to drop another video. */
export function JobList() {
  const text = useText().jobs;
  const who = useWho();
  const pages = usePages();
  const query = pages.cursor === undefined ? {} : { cursor: pages.cursor };
  const { data, problem, reload } = useAnswer("/v1/jobs", { query }, { every: 2_000 });
  const mine = may(who, "operator");
  return (
    <Page title={text.title}>
      <div class="jobs">
        {mine && (
          <SendVideo
            onSent={(job) => {
              reload();
              navigate(hrefOf("jobs", job.id));
            }}
          />
        )}
        <ProblemNotice problem={problem} />
        {data && data.items.length === 0 && (
          <EmptyState title={text.none}>{mine ? text.noneHint : text.noneViewer}</EmptyState>
        )}
        {data && data.items.length > 0 && (
          <Table<Job>
            caption={text.title}
            keyOf={({ id }) => id}
            rows={data.items}
            columns={[
              { title: text.video, cell: ({ id, name }) => <a href={hrefOf("jobs", id)}>{name}</a> },
              { title: text.state, cell: (job) => <JobState job={job} /> },
              { title: text.tracks, number: true, cell: ({ tracks }) => tracks ?? "" },
              { title: text.size, number: true, cell: (job) => bytes(job.bytes) },
              { title: text.sent, cell: ({ created_at }) => <Time at={created_at} /> },
            ]}
          />
        )}
        <Pager pages={pages} nextCursor={data?.next_cursor} />
      </div>
    </Page>
  );
}
