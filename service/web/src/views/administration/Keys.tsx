/** Keys: who comes in, with which role, to which cameras. */

import { useState } from "preact/hooks";
import { del, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Pager, usePages } from "../../parts/Pager";
import { Table } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { useWho } from "../../session";
import { useText } from "../../text";
import { KeyForm, type NewKey, TokenShown } from "./KeyForm";

type Key = Schemas["KeyAnswer"];

export function Keys() {
  const texts = useText();
  const text = texts.administration.keys;
  const pages = usePages();
  const { data, problem, reload } = useAnswer("/v1/keys", { query: { limit: 100, cursor: pages.cursor ?? null } });
  const [edited, setEdited] = useState<Key | "new" | null>(null);
  const [revoked, setRevoked] = useState<Key | null>(null);
  const [made, setMade] = useState<NewKey | null>(null);

  const saved = (key: Key | NewKey) => {
    setEdited(null);
    if ("token" in key) setMade(key);
    reload();
  };
  return (
    <section class="section">
      <div class="lead">
        <p>{text.explanation}</p>
        <Button kind="first" onClick={() => setEdited("new")}>
          {text.add}
        </Button>
      </div>
      <ProblemNotice problem={problem} />
      {data && data.items.length === 0 && <EmptyState title={text.empty}>{text.emptyHint}</EmptyState>}
      {data && data.items.length > 0 && <KeyTable keys={data.items} onEdit={setEdited} onRevoke={setRevoked} />}
      <Pager pages={pages} nextCursor={data?.next_cursor} />
      {edited && <KeyForm edited={edited === "new" ? null : edited} onSaved={saved} onClose={() => setEdited(null)} />}
      {made && <TokenShown made={made} onClose={() => setMade(null)} />}
      {revoked && <Revoke revoked={revoked} onDone={reload} onClose={() => setRevoked(null)} />}
    </section>
  );
}

interface Shown {
  keys: readonly Key[];
  onEdit(key: Key): void;
  onRevoke(key: Key): void;
}

function KeyTable({ keys, onEdit, onRevoke }: Shown) {
  const texts = useText();
  const text = texts.administration.keys;
  const who = useWho();
  return (
    <Table
      caption={text.title}
      keyOf={(key) => key.id}
      rows={keys}
      columns={[
        {
          title: text.name,
          cell: (key) => (
            <>
              <b>{key.name}</b> {key.id === who.id && <Badge kind="off">{text.own}</Badge>}
            </>
          ),
        },
        { title: text.role, cell: (key) => texts.shell.role[key.role] },
        { title: text.cameras, cell: (key) => (key.streams ? key.streams.join(", ") : text.allCameras) },
        { title: text.used, cell: (key) => (key.used_at ? <Time at={key.used_at} /> : text.never) },
        { title: text.created, cell: (key) => <Time at={key.created_at} /> },
        { title: text.ends, cell: (key) => (key.expires_at ? <Time at={key.expires_at} /> : text.never) },
        {
          title: texts.parts.actions,
          cell: (key) => (
            <div class="actions">
              <Button aria-label={text.editTitle(key.name)} onClick={() => onEdit(key)}>
                {text.edit}
              </Button>
              <Button kind="danger" aria-label={`${text.revoke}: ${key.name}`} onClick={() => onRevoke(key)}>
                {text.revoke}
              </Button>
            </div>
          ),
        },
      ]}
    />
  );
}

function Revoke({ revoked, onDone, onClose }: { revoked: Key; onDone(): void; onClose(): void }) {
  const text = useText().administration.keys;
  const revoke = async () => {
    await del("/v1/keys/{key_id}", { path: { key_id: revoked.id } });
    onDone();
    onClose();
  };
  return (
    <Confirm title={text.revokeTitle(revoked.name)} action={text.revoke} onConfirm={revoke} onClose={onClose}>
      <p>{text.revokeText}</p>
    </Confirm>
  );
}
