import { useEffect, useRef, useState } from "preact/hooks";
import { patch, post, postBlob, Problem } from "../../api/client";
import type { Camera } from "../../live/cameras";
import { Button } from "../../parts/Button";
import { Checkbox, Field, Select } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, navigate } from "../../routes";
import { useText } from "../../text";
import { reasonOf } from "./describe";
import { beginning, changesOf, check, connectionOf, type Errors, requestOf, suggestId, type Typed } from "./typed";

interface Properties {
  /** The camera to change; a new one without. */
  camera?: Camera;
  cameras: readonly Camera[];
  onSaved(): Promise<void>;
}

/** What came of the last test, and of which values it was. */
type Test =
  | { of: string; status: "running" }
  | { of: string; status: "shown"; picture: string }
  | { of: string; status: "failed"; problem: Problem };

/** Adds a camera or changes one: checked as one types, its picture shown before it is saved. */
export function CameraForm({ camera, cameras, onSaved }: Properties) {
  const text = useText();
  const words = text.cameras.form;
  const [typed, setTyped] = useState<Typed>(() => beginning(camera));
  const [ownId, setOwnId] = useState(camera !== undefined);
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [test, setTest] = useTest();
  const form = useRef<HTMLFormElement>(null);

  const taken = camera ? [] : cameras.map(({ id }) => id);
  const connection = connectionOf(typed);
  const errors: Errors = { ...refusals(problem), ...check(typed, taken, sent, text) };
  const current = test?.of === connection ? test : null;
  // What does not change what is seen needs no new picture.
  const proven = current?.status === "shown" || (camera && connection === connectionOf(beginning(camera)));

  const type = (changes: Partial<Typed>) => {
    const next = { ...typed, ...changes };
    if (!ownId && !("id" in changes)) next.id = suggestId(next, taken);
    setTyped(next);
    setProblem(null);
  };

  /** Whether it can be sent; else the first field that is wrong has the focus. */
  const isWhole = (): boolean => {
    setSent(true);
    const wrong = check(typed, taken, true, text);
    if (Object.keys(wrong).length === 0) return true;
    // Once the errors are drawn.
    setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    return false;
  };

  const attemptTest = async () => {
    if (!isWhole()) return;
    setTest({ of: connection, status: "running" });
    try {
      const jpeg = await (camera
        ? postBlob("/v1/streams/{stream_id}/probe", { path: { stream_id: camera.id }, body: changesOf(typed, camera) })
        : postBlob("/v1/streams/probe", { body: requestOf(typed) }));
      setTest({ of: connection, status: "shown", picture: URL.createObjectURL(jpeg) });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setTest({ of: connection, status: "failed", problem: error });
      if (error.errors.length > 0) setProblem(error);
    }
  };

  const save = async () => {
    if (!isWhole()) return;
    setBusy(true);
    setProblem(null);
    try {
      const saved = camera
        ? await patch("/v1/streams/{stream_id}", { path: { stream_id: camera.id }, body: changesOf(typed, camera) })
        : await post("/v1/streams", { body: requestOf(typed) });
      await onSaved();
      navigate(hrefOf("cameras", saved.id));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };

  const submit = (event: Event) => {
    event.preventDefault();
    void (proven ? save() : attemptTest());
  };

  const moved = camera !== undefined && typed.url.trim() !== camera.url;
  const passwordHint = camera?.has_password ? (moved ? words.passwordDropped : words.passwordKept) : undefined;
  return (
    <Page title={camera ? words.editTitle(camera.name) : words.addTitle}>
      <form ref={form} class="camera-form" onSubmit={submit} noValidate autocomplete="off">
        <div class="fields card">
          <Field
            label={words.url}
            hint={words.urlHint}
            error={errors.url}
            value={typed.url}
            onValue={(url) => type({ url })}
            inputMode="url"
            spellcheck={false}
            autocapitalize="off"
          />
          <div class="pair">
            <Field
              label={words.username}
              optional
              error={errors.username}
              value={typed.username}
              onValue={(username) => type({ username })}
              autocomplete="off"
              spellcheck={false}
              autocapitalize="off"
            />
            <Field
              label={words.password}
              optional
              type="password"
              hint={passwordHint}
              error={errors.password}
              value={typed.password}
              onValue={(password) => type({ password })}
              autocomplete="new-password"
            />
          </div>
          <div class="pair">
            <Field label={words.name} hint={words.nameHint} optional error={errors.name} value={typed.name} onValue={(name) => type({ name })} />
            {!camera && (
              <Field
                label={words.id}
                hint={words.idHint}
                error={errors.id}
                value={typed.id}
                onValue={(id) => {
                  setOwnId(id !== "");
                  type({ id });
                }}
                spellcheck={false}
                autocapitalize="off"
              />
            )}
          </div>
          {/* Open where something in it is wrong: nobody sees it otherwise. */}
          <details open={Boolean(errors.fps || errors.timeout) || undefined}>
            <summary>{words.more}</summary>
            <div class="fields">
              <div class="pair">
                <Field
                  label={words.fps}
                  hint={words.fpsHint}
                  optional
                  inputMode="decimal"
                  error={errors.fps}
                  value={typed.fps}
                  onValue={(fps) => type({ fps })}
                />
                <Field
                  label={words.timeout}
                  hint={words.timeoutHint}
                  inputMode="decimal"
                  error={errors.timeout}
                  value={typed.timeout}
                  onValue={(timeout) => type({ timeout })}
                />
              </div>
              <div class="pair">
                <Select
                  label={words.transport}
                  value={typed.transport}
                  options={[
                    ["tcp", words.transports.tcp],
                    ["udp", words.transports.udp],
                  ]}
                  onValue={(transport) => type({ transport })}
                />
                <Select
                  label={words.blur}
                  value={typed.blur}
                  options={[
                    ["off", words.blurs.off],
                    ["people", words.blurs.people],
                    ["heads", words.blurs.heads],
                  ]}
                  onValue={(blur) => type({ blur })}
                />
              </div>
              <Checkbox label={words.verify} checked={typed.verify} onValue={(verify) => type({ verify })} />
            </div>
          </details>
        </div>
        <div class="proof card">
          <Proof test={current} label={words.pictureOf} />
          <ProblemNotice problem={problem?.errors.length ? null : problem} />
          <div class="actions">
            <Button kind={proven ? undefined : "first"} type={proven ? "button" : "submit"} busy={current?.status === "running"} onClick={proven ? () => void attemptTest() : undefined}>
              {words.test}
            </Button>
            {proven && (
              <Button kind="first" type="submit" busy={busy}>
                {words.save}
              </Button>
            )}
            {!proven && current?.status === "failed" && current.problem.status !== 0 && (
              <Button busy={busy} onClick={() => void save()}>
                {words.saveAnyway}
              </Button>
            )}
            <a class="button" href={camera ? hrefOf("cameras", camera.id) : hrefOf("cameras")}>
              {text.parts.cancel}
            </a>
          </div>
        </div>
      </form>
    </Page>
  );
}

/** What the camera shows, or why it shows nothing. */
function Proof({ test, label }: { test: Test | null; label: string }) {
  const text = useText();
  const words = text.cameras.form;
  return (
    <div aria-live="polite">
      <div class="view">
        {test?.status === "shown" ? (
          <img src={test.picture} alt={label} />
        ) : (
          <span class="instead">{test?.status === "running" ? words.testing : words.testFirst}</span>
        )}
      </div>
      {test?.status === "shown" && <Notice kind="good">{words.tested}</Notice>}
      {test?.status === "failed" &&
        (isOfCamera(test.problem) ? (
          <>
            <Notice kind="bad">{words.failed(reasonOf({ error_code: test.problem.code, error: null }, text))}</Notice>
            <p class="quiet detail">{test.problem.detail}</p>
          </>
        ) : (
          <ProblemNotice problem={test.problem} />
        ))}
    </div>
  );
}

/** The last test; its picture's memory is given back with the next one. */
function useTest(): [Test | null, (test: Test) => void] {
  const [test, setTest] = useState<Test | null>(null);
  useEffect(() => () => {
    if (test?.status === "shown") URL.revokeObjectURL(test.picture);
  }, [test]);
  return [test, setTest];
}

function isOfCamera({ code }: Problem): boolean {
  return code.startsWith("stream_");
}

const FIELDS: Record<string, keyof Typed> = {
  url: "url",
  name: "name",
  id: "id",
  username: "username",
  password: "password",
  process_fps: "fps",
  timeout: "timeout",
};

/** What the service refused, by field. */
function refusals(problem: Problem | null): Errors {
  const errors: Errors = {};
  if (problem?.code === "conflict") errors.id = problem.detail;
  for (const { field, message } of problem?.errors ?? []) {
    // A check of the whole names the field in its sentence.
    const named = /^(\w+): (.*)$/s.exec(message);
    const place = FIELDS[field] ?? (named && FIELDS[named[1] ?? ""]);
    if (place) errors[place] = message;
  }
  return errors;
}
