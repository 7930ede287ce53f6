/** What looks at the pictures, and what it really runs on. */

import type { Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Badge, type BadgeKind } from "../../parts/Badge";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import { number, percent } from "../../text/format";
import { Settings } from "./Settings";

const REFRESH = 5_000;
const KINDS: Record<string, BadgeKind> = { RUNNING: "good", STARTING: "wait", BACKOFF: "bad", STOPPED: "off" };

export function Models() {
  const text = useText().administration.models;
  const { data, problem } = useAnswer("/v1/models", {}, { every: REFRESH });
  return (
    <section class="section">
      <ProblemNotice problem={problem} />
      {data && (
        <div class="cards">
          <Detector models={data} />
          <div class="card">
            <h2>{text.embedder}</h2>
            {Object.keys(data.embedder).length > 0 ? (
              <Settings value={data.embedder} />
            ) : (
              <p class="quiet">{text.embedderOff}</p>
            )}
          </div>
        </div>
      )}
      <p class="quiet">{text.refreshed}</p>
    </section>
  );
}

function Detector({ models }: { models: Schemas["Models"] }) {
  const text = useText().administration.models;
  const states: Record<string, string> = text.states;
  return (
    <div class="card">
      <h2>{text.detector}</h2>
      {models.last_error && (
        <Notice kind={models.state === "RUNNING" ? "wait" : "bad"}>
          {text.lastError}: {models.last_error}
        </Notice>
      )}
      <dl class="facts">
        <dt>{text.state}</dt>
        <dd>
          <Badge kind={KINDS[models.state] ?? "off"}>{states[models.state] ?? models.state}</Badge>
        </dd>
        <dt>{text.network}</dt>
        <dd>
          <b>{models.model}</b>
        </dd>
        <dt>{text.runsOn}</dt>
        <dd>
          <b>{models.device || "–"}</b> <span class="quiet">{text.asked(models.device_asked)}</span>
        </dd>
        <dt>{text.provider}</dt>
        <dd>
          {models.providers.length > 0 ? models.providers.join(", ") : "–"}{" "}
          <span class="quiet">{text.providerHint}</span>
        </dd>
        <dt>{text.busy}</dt>
        <dd>
          {percent(models.utilisation)}
          <meter aria-label={text.busyHint} min={0} max={1} value={models.utilisation} />
          <span class="quiet">{text.busyHint}</span>
        </dd>
        <dt>{text.frames}</dt>
        <dd class="number">{number(models.frames)}</dd>
        <dt>{text.batch}</dt>
        <dd class="number">{number(models.batch_limit)}</dd>
        <dt>{text.restarts}</dt>
        <dd class="number">{number(models.restarts)}</dd>
      </dl>
      {Object.keys(models.detector).length > 0 && (
        <details>
          <summary>{text.more}</summary>
          <Settings value={models.detector} />
        </details>
      )}
    </div>
  );
}
