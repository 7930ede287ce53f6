/** Who changed what. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Button } from "../../parts/Button";
import { EmptyState } from "../../parts/EmptyState";
import { Field, Select } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { Pager, usePages } from "../../parts/Pager";
import { Table } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { CONFIGURED } from "../../session";
import { type Catalogue, useText } from "../../text";
import { fromLocal } from "./times";

type Entry = Schemas["AuditAnswer"];

const NOTHING = { key: "", action: "", from: "", until: "" };

export function Audit() {
  const texts = useText();
  const text = texts.administration.audit;
  const [filter, setFilter] = useState(NOTHING);
  const pages = usePages();
  const keys = useAnswer("/v1/keys", { query: { limit: 500 } });
  const begin = fromLocal(filter.from);
  const end = fromLocal(filter.until);
  const backwards = begin !== null && end !== null && end <= begin;
  const { data, problem } = useAnswer(backwards ? null : "/v1/audit", {
    query: {
      limit: 50,
      cursor: pages.cursor ?? null,
      key: filter.key || null,
      action: filter.action || null,
      begin,
      end,
    },
  });
  const set = (changes: Partial<typeof NOTHING>) => {
    setFilter({ ...filter, ...changes });
    pages.reset();
  };
  const filtered = Object.values(filter).some(Boolean);
  const actions = Object.entries(text.actions).sort(([, one], [, other]) => one.localeCompare(other));
  return (
    <section class="section">
      <div class="lead">
        <p>{text.explanation}</p>
      </div>
      <div class="filter">
        <Select
          label={text.who}
          value={filter.key}
          options={[
            ["", text.anybody],
            [CONFIGURED, texts.shell.configured],
            ...(keys.data?.items ?? []).map((key) => [key.id, key.name] as const),
          ]}
          onValue={(key) => set({ key })}
        />
        <Select
          label={text.action}
          value={filter.action}
          options={[["", text.anything], ...actions]}
          onValue={(action) => set({ action })}
        />
        <Field label={text.from} type="datetime-local" value={filter.from} onValue={(from) => set({ from })} />
        <Field
          label={text.until}
          type="datetime-local"
          error={backwards ? text.backwards : null}
          value={filter.until}
          onValue={(until) => set({ until })}
        />
        {filtered && <Button onClick={() => set(NOTHING)}>{text.clear}</Button>}
      </div>
      <ProblemNotice problem={problem} />
      {data && data.items.length === 0 && (
        <EmptyState title={filtered ? text.noneFits : text.empty}>{filtered ? null : text.emptyHint}</EmptyState>
      )}
      {data && data.items.length > 0 && (
        <Table
          caption={text.title}
          keyOf={({ id }) => id}
          rows={data.items}
          columns={[
            { title: text.at, cell: ({ at }) => <Time at={at} /> },
            { title: text.who, cell: (entry) => nameOf(entry, texts) },
            { title: text.action, cell: ({ action }) => <b>{text.actions[action] ?? action}</b> },
            { title: text.target, cell: targetOf },
            { title: text.address, cell: ({ address }) => address },
            { title: text.detail, cell: ({ detail }) => detailOf(detail) || null },
          ]}
        />
      )}
      <Pager pages={pages} nextCursor={data?.next_cursor} />
    </section>
  );
}

function nameOf(entry: Entry, texts: Catalogue): string {
  return entry.key_id === CONFIGURED ? texts.shell.configured : entry.key_name;
}

/** A key is known by its name, not by its identifier. */
function targetOf({ action, target, detail }: Entry): string {
  const name = action.endsWith("_key") ? detail["name"] : null;
  return typeof name === "string" ? name : target;
}

/** `fields: name, password; role: viewer` */
function detailOf(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && String(value) !== "")
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(", ") : String(value)}`)
    .join("; ");
}
