/** Makes a key or changes one; a new one's token is shown once. */

import { useState } from "preact/hooks";
import { patch, post, Problem, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Button, CancelButton } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field, Select } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import type { Role } from "../../session";
import { useText } from "../../text";
import { ChosenCameras } from "./CameraChoice";
import { fromLocal, toLocal } from "./times";

type Key = Schemas["KeyAnswer"];
export type NewKey = Schemas["NewKey"];

interface Properties {
  /** The key to change; null makes one. */
  edited: Key | null;
  onSaved(key: Key | NewKey): void;
  onClose(): void;
}

export function KeyForm({ edited, onSaved, onClose }: Properties) {
  const texts = useText();
  const text = texts.administration.keys;
  const streams = useAnswer("/v1/streams", { query: { limit: 500 } });
  const [name, setName] = useState(edited?.name ?? "");
  const [role, setRole] = useState<Role>(edited?.role ?? "viewer");
  const [chosen, setChosen] = useState<readonly string[] | null>(edited?.streams ?? null);
  const [ends, setEnds] = useState(edited?.expires_at ? toLocal(edited.expires_at) : "");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const granted = role === "admin" ? null : chosen;
  const until = fromLocal(ends);
  const wrong = {
    name: name.trim() ? null : text.nameMissing,
    streams: granted?.length === 0 ? text.noneChosen : null,
    // What was in the past before is left as it is.
    expires_at: until && Date.parse(until) <= Date.now() ? text.endsInPast : null,
  };

  const save = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (Object.values(wrong).some(Boolean)) return;
    setBusy(true);
    setProblem(null);
    const body = { name: name.trim(), role, streams: granted === null ? null : [...granted], expires_at: until };
    try {
      onSaved(
        edited
          ? await patch("/v1/keys/{key_id}", { path: { key_id: edited.id }, body })
          : await post("/v1/keys", { body }),
      );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };
  const errorOf = (field: keyof typeof wrong) => (tried ? wrong[field] : null) ?? problem?.of(field);
  return (
    <Dialog title={edited ? text.editTitle(edited.name) : text.add} onClose={onClose}>
      <form class="dialog-form" noValidate onSubmit={(event) => void save(event)}>
        <Field
          label={text.name}
          hint={text.nameHint}
          error={errorOf("name")}
          value={name}
          maxLength={200}
          autocomplete="off"
          onValue={setName}
        />
        <Select
          label={text.role}
          value={role}
          options={(["viewer", "operator", "admin"] as const).map((one) => [one, text.roles[one]] as const)}
          onValue={setRole}
        />
        {role !== "admin" && (
          <ChosenCameras
            cameras={streams.data?.items ?? []}
            loading={streams.loading}
            chosen={chosen}
            error={errorOf("streams")}
            onValue={setChosen}
          />
        )}
        <Field
          label={text.ends}
          hint={text.endsHint}
          optional
          type="datetime-local"
          error={errorOf("expires_at")}
          value={ends}
          onValue={setEnds}
        />
        {problem && problem.errors.length === 0 && <ProblemNotice problem={problem} />}
        <div class="actions">
          <Button kind="first" type="submit" busy={busy}>
            {edited ? texts.parts.save : text.make}
          </Button>
          <CancelButton onClick={onClose} />
        </div>
      </form>
    </Dialog>
  );
}

/** The token of a key just made: nobody can show it again. */
export function TokenShown({ made, onClose }: { made: NewKey; onClose(): void }) {
  const text = useText().administration.keys;
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    // Without TLS the browser has no clipboard for pages; selecting works everywhere.
    const field = document.querySelector<HTMLInputElement>(".token input");
    field?.select();
    try {
      await navigator.clipboard.writeText(made.token);
      setCopied(true);
    } catch {
      setCopied(document.execCommand("copy"));
    }
  };
  return (
    <Dialog title={`${text.made}: ${made.name}`} onClose={onClose}>
      <Notice kind="wait">{text.once}</Notice>
      <div class="token">
        <Field label={text.token} value={made.token} readOnly onValue={() => undefined} />
        <Button kind="first" onClick={() => void copy()}>
          {copied ? text.copied : text.copy}
        </Button>
      </div>
    </Dialog>
  );
}
