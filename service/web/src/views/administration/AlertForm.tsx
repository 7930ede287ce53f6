/** Makes an alert or changes one; what is secret is typed anew or stays. */

import { useState } from "preact/hooks";
import { patch, post, Problem, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Button, CancelButton } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Checkbox, Field, Select } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import { bodyOf, changesOf, type Draft, draftOf, type DraftErrors, KINDS, wrongIn } from "./alertDraft";
import { CameraBoxes } from "./CameraChoice";

type Alert = Schemas["AlertAnswer"];

interface Properties {
  /** The alert to change; null makes one. */
  edited: Alert | null;
  onSaved(): void;
  onClose(): void;
}

export function AlertForm({ edited, onSaved, onClose }: Properties) {
  const texts = useText();
  const text = texts.administration.alerts;
  const streams = useAnswer("/v1/streams", { query: { limit: 500 } });
  const [draft, setDraft] = useState<Draft>(() => draftOf(edited));
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const set = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  const wrong = wrongIn(draft, edited, text);
  const errorOf = (field: keyof DraftErrors) => (tried ? wrong[field] : null) ?? problem?.of(field);

  const save = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (Object.values(wrong).some(Boolean)) return;
    setBusy(true);
    setProblem(null);
    try {
      if (edited) await patch("/v1/alerts/{alert_id}", { path: { alert_id: edited.id }, body: changesOf(draft) });
      else await post("/v1/alerts", { body: bodyOf(draft) });
      onSaved();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={edited ? text.editTitle(edited.id) : text.add} onClose={onClose}>
      <form class="dialog-form" noValidate autocomplete="off" onSubmit={(event) => void save(event)}>
        {!edited && (
          <div class="pair">
            <Field label={text.id} hint={text.idHint} error={errorOf("id")} value={draft.id} onValue={(id) => set({ id })} />
            <Select
              label={text.target}
              value={draft.target}
              options={[
                ["webhook", text.webhook],
                ["mqtt", text.mqtt],
              ]}
              onValue={(target) => set({ target })}
            />
          </div>
        )}
        {draft.target === "webhook" ? (
          <WebhookFields {...{ draft, edited, set, errorOf }} />
        ) : (
          <MqttFields {...{ draft, edited, set, errorOf }} />
        )}
        <fieldset>
          <legend>{text.kindsLegend}</legend>
          <p class="quiet">{text.noneMeansAll}</p>
          <div class="choices">
            {KINDS.map((kind) => (
              <Checkbox
                key={kind}
                label={texts.kinds[kind]}
                checked={draft.kinds.includes(kind)}
                onValue={(on) => set({ kinds: on ? [...draft.kinds, kind] : draft.kinds.filter((one) => one !== kind) })}
              />
            ))}
          </div>
        </fieldset>
        {(streams.data?.items.length ?? 0) > 0 && (
          <fieldset>
            <legend>{text.camerasLegend}</legend>
            <p class="quiet">{text.noneMeansAll}</p>
            <CameraBoxes
              cameras={streams.data?.items ?? []}
              chosen={draft.streams}
              onValue={(chosen) => set({ streams: chosen })}
            />
          </fieldset>
        )}
        <div class="pair">
          <Field
            label={text.rules}
            hint={text.rulesHint}
            optional
            error={errorOf("rules")}
            value={draft.rules}
            onValue={(rules) => set({ rules })}
          />
          <Field
            label={text.classes}
            hint={text.classesHint}
            optional
            error={errorOf("classes")}
            value={draft.classes}
            onValue={(classes) => set({ classes })}
          />
        </div>
        <Field
          label={text.cooldown}
          hint={text.cooldownHint}
          optional
          inputMode="decimal"
          error={errorOf("cooldown")}
          value={draft.cooldown}
          onValue={(cooldown) => set({ cooldown })}
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

interface Fields {
  draft: Draft;
  edited: Alert | null;
  set(changes: Partial<Draft>): void;
  errorOf(field: keyof DraftErrors): string | null | undefined;
}

function WebhookFields({ draft, edited, set, errorOf }: Fields) {
  const text = useText().administration.alerts;
  return (
    <>
      <Field
        label={text.url}
        hint={edited ? `${edited.webhook?.url ?? ""} ${text.unchanged}` : text.urlHint}
        error={errorOf("webhook.url")}
        value={draft.url}
        type="url"
        spellcheck={false}
        onValue={(url) => set({ url })}
      />
      <Field
        label={text.secret}
        hint={edited ? text.unchanged : text.secretHint}
        error={errorOf("webhook.secret")}
        value={draft.secret}
        type="password"
        autocomplete="new-password"
        onValue={(secret) => set({ secret })}
      />
    </>
  );
}

function MqttFields({ draft, edited, set, errorOf }: Fields) {
  const text = useText().administration.alerts;
  return (
    <>
      <div class="pair">
        <Field
          label={text.host}
          hint={text.hostHint}
          error={errorOf("mqtt.host")}
          value={draft.host}
          spellcheck={false}
          onValue={(host) => set({ host })}
        />
        <Field
          label={text.port}
          inputMode="numeric"
          error={errorOf("mqtt.port")}
          value={draft.port}
          onValue={(port) => set({ port })}
        />
      </div>
      <Field label={text.topic} error={errorOf("mqtt.topic")} value={draft.topic} onValue={(topic) => set({ topic })} />
      <div class="pair">
        <Field
          label={text.username}
          optional
          autocomplete="off"
          error={errorOf("mqtt.username")}
          value={draft.username}
          onValue={(username) => set({ username })}
        />
        <Field
          label={text.password}
          hint={edited?.mqtt?.has_password ? text.unchanged : undefined}
          optional
          type="password"
          autocomplete="new-password"
          error={errorOf("mqtt.password")}
          value={draft.password}
          onValue={(password) => set({ password })}
        />
      </div>
      <Checkbox label={text.tls} checked={draft.tls} onValue={(tls) => set({ tls })} />
    </>
  );
}
