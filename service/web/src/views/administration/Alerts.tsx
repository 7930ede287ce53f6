/** Alerts: who is told of what, whether a test arrives, and the way to the delivery log. */

import { useState } from "preact/hooks";
import { del, post, Problem, type Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { EmptyState } from "../../parts/EmptyState";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Pager, usePages } from "../../parts/Pager";
import { hrefOf } from "../../routes";
import { type Catalogue, useText } from "../../text";
import { number } from "../../text/format";
import { AlertForm } from "./AlertForm";

type Alert = Schemas["AlertAnswer"];

const REFRESH = 5_000;

export function Alerts() {
  const text = useText().administration.alerts;
  const pages = usePages();
  const { data, problem, reload } = useAnswer(
    "/v1/alerts",
    { query: { limit: 50, cursor: pages.cursor ?? null } },
    { every: REFRESH },
  );
  const [edited, setEdited] = useState<Alert | "new" | null>(null);
  const [removed, setRemoved] = useState<Alert | null>(null);
  const saved = () => {
    setEdited(null);
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
      {data && data.items.length > 0 && (
        <div class="cards">
          {data.items.map((alert) => (
            <AlertCard
              key={alert.id}
              alert={alert}
              onTested={reload}
              onEdit={() => setEdited(alert)}
              onRemove={() => setRemoved(alert)}
            />
          ))}
        </div>
      )}
      <Pager pages={pages} nextCursor={data?.next_cursor} />
      {edited && <AlertForm edited={edited === "new" ? null : edited} onSaved={saved} onClose={() => setEdited(null)} />}
      {removed && <Remove removed={removed} onDone={reload} onClose={() => setRemoved(null)} />}
    </section>
  );
}

interface Card {
  alert: Alert;
  onTested(): void;
  onEdit(): void;
  onRemove(): void;
}

function AlertCard({ alert, onTested, onEdit, onRemove }: Card) {
  const text = useText();
  const words = text.administration.alerts;
  const own = alert.origin === "api";
  const test = useTest(alert.id, onTested);
  return (
    <article class="card" aria-label={alert.id}>
      <div class="title">
        <h3>{alert.id}</h3>
        <Badge kind="off">{alert.webhook ? words.webhook : words.mqtt}</Badge>
        {alert.waiting > 0 && <Badge kind="wait">{words.waiting(number(alert.waiting))}</Badge>}
      </div>
      <div>
        <code>{targetOf(alert)}</code>
      </div>
      <Filter alert={alert} text={text} />
      {!own && (
        <p class="quiet">
          {words.ofFile}. {words.ofFileHint}
        </p>
      )}
      <div class="actions">
        <Button busy={test.busy} aria-label={`${words.test}: ${alert.id}`} onClick={() => void test.send()}>
          {words.test}
        </Button>
        <a class="button" href={hrefOf("administration", "alerts", alert.id)} aria-label={words.logTitle(alert.id)}>
          {words.log}
        </a>
        {own && (
          <>
            <Button aria-label={words.editTitle(alert.id)} onClick={onEdit}>
              {words.edit}
            </Button>
            <Button kind="danger" aria-label={`${words.remove}: ${alert.id}`} onClick={onRemove}>
              {words.remove}
            </Button>
          </>
        )}
      </div>
      {test.delivery &&
        (test.delivery.state === "delivered" ? (
          <Notice kind="good">{words.testArrived}</Notice>
        ) : (
          <Notice kind="bad">{words.testFailed(test.delivery.error ?? test.delivery.state)}</Notice>
        ))}
      <ProblemNotice problem={test.problem} />
    </article>
  );
}

/** Which events it is told of; what does not narrow them is left out. */
function Filter({ alert, text }: { alert: Alert; text: Catalogue }) {
  const words = text.administration.alerts;
  const narrowed = (
    [
      [words.onlyKinds, alert.kinds.map((kind) => text.kinds[kind])],
      [words.onlyCameras, alert.streams],
      [words.onlyRules, alert.rules],
      [words.onlyClasses, alert.classes],
      [words.cooldown, alert.cooldown ? [number(alert.cooldown)] : []],
    ] as const
  ).filter(([, values]) => values.length > 0);
  if (narrowed.length === 0) return <p class="quiet">{words.everything}</p>;
  return (
    <dl class="facts">
      {narrowed.map(([title, values]) => (
        <>
          <dt>{title}</dt>
          <dd>{values.join(", ")}</dd>
        </>
      ))}
    </dl>
  );
}

/** Sends a test, once at a time, and keeps how it went. */
function useTest(alert: string, onTested: () => void) {
  const [busy, setBusy] = useState(false);
  const [delivery, setDelivery] = useState<Schemas["DeliveryAnswer"] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const send = async () => {
    setBusy(true);
    setProblem(null);
    setDelivery(null);
    try {
      setDelivery(await post("/v1/alerts/{alert_id}/test", { path: { alert_id: alert } }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
    setBusy(false);
    onTested();
  };
  return { busy, delivery, problem, send };
}

function Remove({ removed, onDone, onClose }: { removed: Alert; onDone(): void; onClose(): void }) {
  const text = useText().administration.alerts;
  const remove = async () => {
    await del("/v1/alerts/{alert_id}", { path: { alert_id: removed.id } });
    onDone();
    onClose();
  };
  return (
    <Confirm title={text.removeTitle(removed.id)} action={text.remove} onConfirm={remove} onClose={onClose}>
      <p>{text.removeText}</p>
    </Confirm>
  );
}

function targetOf({ webhook, mqtt }: Alert): string {
  if (webhook) return webhook.url;
  return mqtt ? `${mqtt.tls ? "mqtts" : "mqtt"}://${mqtt.host}:${mqtt.port}/${mqtt.topic}` : "";
}
