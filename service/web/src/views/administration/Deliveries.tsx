/** The delivery log of an alert: what was sent, how often, and how that went. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Badge, type BadgeKind } from "../../parts/Badge";
import { EmptyState } from "../../parts/EmptyState";
import { Select } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { Pager, usePages } from "../../parts/Pager";
import { Table } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { hrefOf } from "../../routes";
import { type Catalogue, useText } from "../../text";
import { number } from "../../text/format";

type Delivery = Schemas["DeliveryAnswer"];
type State = Delivery["state"];

const REFRESH = 5_000;
const STATES: readonly State[] = ["delivered", "pending", "dead"];
const KINDS: Record<State, BadgeKind> = { delivered: "good", pending: "wait", dead: "bad" };

export function Deliveries({ alert }: { alert: string }) {
  const texts = useText();
  const text = texts.administration.alerts;
  const [state, setState] = useState<State | "">("");
  const pages = usePages();
  const { data, problem } = useAnswer(
    "/v1/alerts/{alert_id}/deliveries",
    { path: { alert_id: alert }, query: { limit: 50, cursor: pages.cursor ?? null, state: state || null } },
    { every: REFRESH },
  );
  const choose = (wanted: State | "") => {
    setState(wanted);
    pages.reset();
  };
  return (
    <section class="section">
      <div class="lead">
        <h2>{text.logTitle(alert)}</h2>
        <a class="button" href={hrefOf("administration", "alerts")}>
          {text.back}
        </a>
      </div>
      <div class="filter">
        <Select
          label={text.state}
          value={state}
          options={[["", text.anyState], ...STATES.map((one) => [one, text.states[one]] as const)]}
          onValue={choose}
        />
      </div>
      <ProblemNotice problem={problem} />
      {data && data.items.length === 0 && (
        <EmptyState title={text.noDeliveries}>{state ? null : text.noDeliveriesHint}</EmptyState>
      )}
      {data && data.items.length > 0 && (
        <Table
          caption={text.logTitle(alert)}
          keyOf={({ id }) => id}
          rows={data.items}
          columns={[
            { title: text.at, cell: ({ created_at }) => <Time at={created_at} /> },
            { title: text.event, cell: (delivery) => <What delivery={delivery} texts={texts} /> },
            { title: text.state, cell: (one) => <Badge kind={KINDS[one.state]}>{text.states[one.state]}</Badge> },
            { title: text.attempts, number: true, cell: ({ attempts }) => number(attempts) },
            { title: text.result, cell: (delivery) => <Result delivery={delivery} text={text} /> },
          ]}
        />
      )}
      <Pager pages={pages} nextCursor={data?.next_cursor} />
    </section>
  );
}

function What({ delivery, texts }: { delivery: Delivery; texts: Catalogue }) {
  if (delivery.event === null) return <>{texts.administration.alerts.testEvent}</>;
  const kinds: Record<string, string> = texts.kinds;
  return (
    <>
      {kinds[delivery.kind] ?? delivery.kind}{" "}
      <span class="quiet">{[delivery.stream, delivery.rule].filter(Boolean).join(" · ")}</span>
    </>
  );
}

function Result({ delivery, text }: { delivery: Delivery; text: Catalogue["administration"]["alerts"] }) {
  return (
    <>
      {delivery.finished_at && <Time at={delivery.finished_at} />} {delivery.error}{" "}
      {delivery.next_at && (
        <span class="quiet">
          {text.nextTry} <Time at={delivery.next_at} />
        </span>
      )}
    </>
  );
}
