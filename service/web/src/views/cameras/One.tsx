import { useState } from "preact/hooks";
import { del, post, Problem, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import type { Camera } from "../../live/cameras";
import { useLink, useStates, useTick } from "../../live/hooks";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { Checkbox } from "../../parts/Field";
import { LivePicture } from "../../parts/LivePicture";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { Time } from "../../parts/Time";
import { hrefOf, navigate } from "../../routes";
import { may, useWho } from "../../session";
import { useText } from "../../text";
import { number, seconds } from "../../text/format";
import { describe } from "./describe";
import { countOf, useHeard } from "./heard";
import { Freshness, sentenceCase } from "./Tile";

const FPS = 15;

/** One camera, large, with what is known of it and what can be done to it. */
export function One({ camera, onChanged }: { camera: Camera; onChanged(): Promise<void> }) {
  const text = useText();
  const link = useLink();
  const status = useStates().get(camera.id);
  const heard = useHeard([camera.id]).get(camera.id);
  const newest = useAnswer("/v1/streams/{stream_id}", { path: { stream_id: camera.id } }, { every: 3_000 });
  const [boxes, setBoxes] = useState(true);
  const [seen, setSeen] = useState(false);
  useTick();
  const { kind, word, sentence } = describe(status, link, text);
  const live = kind === "good";
  const instead = live ? (seen ? "" : text.cameras.waiting) : sentence || word;
  const people = live && heard ? countOf(heard).people : null;
  return (
    <Page title={camera.name} actions={<Actions camera={newest.data ?? camera} onChanged={onChanged} />}>
      <p class="state large">
        <a href={hrefOf("cameras")}>{text.cameras.one.back}</a>
        <Badge kind={kind}>{word}</Badge>
        {live && heard && <Freshness heard={heard} />}
        {people !== null && (
          <span class="number">
            {number(people)} {text.cameras.people(people)}
          </span>
        )}
      </p>
      <div class={live ? "tile one" : "tile one old"}>
        <div class="view">
          <LivePicture
            stream={camera.id}
            name={camera.name}
            fps={FPS}
            on={live}
            boxes={boxes}
            onDrawn={() => seen || setSeen(true)}
          />
          {instead && (
            <span class="instead" role="status">
              {sentenceCase(instead)}
            </span>
          )}
        </div>
      </div>
      <Checkbox label={text.cameras.one.boxes} checked={boxes} onValue={setBoxes} />
      <Facts camera={newest.data ?? camera} />
    </Page>
  );
}

/** What may be done to a camera, by who may do it. */
function Actions({ camera, onChanged }: { camera: Camera; onChanged(): Promise<void> }) {
  const text = useText().cameras.one;
  const who = useWho();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  if (!may(who, "operator")) return null;

  const path = { stream_id: camera.id };
  const attempt = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
      await onChanged();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const start = () => attempt(() => post("/v1/streams/{stream_id}/start", { path }));
  const stop = () => attempt(() => post("/v1/streams/{stream_id}/stop", { path }));
  const remove = async () => {
    await del("/v1/streams/{stream_id}", { path });
    navigate(hrefOf("cameras"));
    await onChanged();
  };
  const waits = camera.status.state === "FAILED" || camera.status.state === "BACKOFF";
  const own = camera.origin === "api";
  return (
    <>
      {camera.enabled && waits && (
        <Button kind="first" busy={busy} onClick={() => void start()}>
          {text.again}
        </Button>
      )}
      <Button busy={busy} onClick={() => void (camera.enabled ? stop() : start())}>
        {camera.enabled ? text.stop : text.start}
      </Button>
      {own && (
        <a class="button" href={`${hrefOf("cameras", camera.id)}?do=edit`}>
          {text.edit}
        </a>
      )}
      {own && (
        <Button kind="danger" onClick={() => setRemoving(true)}>
          {text.remove}
        </Button>
      )}
      {!own && <span class="quiet">{text.fromFile}</span>}
      <ProblemNotice problem={problem} />
      {removing && (
        <Confirm
          title={text.removeTitle(camera.name)}
          action={text.remove}
          onConfirm={remove}
          onClose={() => setRemoving(false)}
        >
          <p>{text.removeText}</p>
        </Confirm>
      )}
    </>
  );
}

function Facts({ camera }: { camera: Camera }) {
  const text = useText().cameras.one;
  const { status, processing } = camera;
  const facts: [string, preact.ComponentChildren][] = [
    [text.address, <code key="url">{camera.url}</code>],
    [text.since, <Time key="since" at={status.since} />],
    [text.picture, status.width ? text.size(number(status.width), number(status.height)) : "–"],
    [text.received, received(status, text.damaged)],
    [text.looked, processing ? number(processing.processed) : "–"],
    [text.delay, processing ? seconds(processing.seconds, 2) : "–"],
  ];
  if (status.attempts > 0) facts.push([text.attempts, number(status.attempts)]);
  return (
    <section class="card facts" aria-labelledby="facts">
      <h2 id="facts">{text.facts}</h2>
      <dl>
        {facts.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd class="number">{value}</dd>
          </div>
        ))}
      </dl>
      {status.log.length > 0 && (
        <details>
          <summary>{text.log}</summary>
          <pre>{status.log.join("\n")}</pre>
        </details>
      )}
    </section>
  );
}

function received(status: Schemas["StatusAnswer"], damaged: (count: string) => string): string {
  const whole = number(status.received);
  return status.corrupt > 0 ? `${whole}, ${damaged(number(status.corrupt))}` : whole;
}
