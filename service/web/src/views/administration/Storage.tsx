/** What is kept, since when, for how long, and how much room that takes. */

import { useAnswer } from "../../api/hooks";
import type { Schemas } from "../../api/client";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Table } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { hrefOf } from "../../routes";
import { useText } from "../../text";
import { bytes, number } from "../../text/format";

type Use = Schemas["KindUse"];

export function Storage() {
  const texts = useText();
  const text = texts.administration.storage;
  const { data, problem } = useAnswer("/v1/storage", {});
  return (
    <section class="section">
      <ProblemNotice problem={problem} />
      {data && data.disk.free < 2 * data.disk.reserve && (
        <Notice kind="bad">{text.nearlyFull(bytes(data.disk.reserve))}</Notice>
      )}
      {data && (
        <>
          <div class="cards">
            <Room answer={data} />
          </div>
          <Table
            caption={text.title}
            keyOf={({ kind }) => kind}
            rows={data.kinds}
            columns={[
              { title: text.what, cell: ({ kind }) => <b>{text.kinds[kind]}</b> },
              { title: text.rows, number: true, cell: ({ rows }) => (rows === null ? "" : number(rows)) },
              { title: text.size, number: true, cell: (use) => <Size use={use} /> },
              { title: text.since, cell: ({ oldest }) => (oldest ? <Time at={oldest} /> : text.nothing) },
              {
                title: text.kept,
                cell: ({ days, most_bytes }) => (
                  <>
                    {texts.administration.days(number(days))}{" "}
                    {most_bytes && <span class="quiet">{text.limit(bytes(most_bytes))}</span>}
                  </>
                ),
              },
            ]}
          />
          <p class="quiet">
            {text.change} <a href={hrefOf("administration", "configuration")}>storage.retention</a>.
          </p>
        </>
      )}
    </section>
  );
}

function Room({ answer: { database, disk, kinds } }: { answer: Schemas["StorageAnswer"] }) {
  const text = useText().administration.storage;
  const files = kinds.reduce((sum, use) => sum + (use.bytes ?? 0), 0);
  return (
    <div class="card">
      <dl class="facts">
        <dt>{text.database}</dt>
        <dd>
          {bytes(database.bytes)} <span class="quiet">{database.kind === "sqlite" ? "SQLite" : "PostgreSQL"}</span>
        </dd>
        <dt>{text.files}</dt>
        <dd>{bytes(files)}</dd>
        <dt>{text.disk}</dt>
        <dd>
          {text.free(bytes(disk.free), bytes(disk.bytes))}
          <meter
            aria-label={text.diskUse}
            min={0}
            max={disk.bytes}
            high={disk.bytes - 2 * disk.reserve}
            value={disk.bytes - disk.free}
          />
        </dd>
      </dl>
    </div>
  );
}

function Size({ use }: { use: Use }) {
  const text = useText().administration.storage;
  return use.bytes === null ? <span class="quiet">{text.inDatabase}</span> : <>{bytes(use.bytes)}</>;
}
