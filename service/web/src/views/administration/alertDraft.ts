/** What was typed of an alert: read from one, checked, and made into what the service takes. */

import type { Schemas } from "../../api/client";
import type { Catalogue } from "../../text";

type Alert = Schemas["AlertAnswer"];
type Kind = Alert["kinds"][number];
type Text = Catalogue["administration"]["alerts"];

export const KINDS: readonly Kind[] = [
  ...(["line_cross", "zone_enter", "zone_exit", "zone_dwell", "loitering", "occupancy"] as const),
  ...(["track_start", "track_end", "transit", "stream_state"] as const),
];

/** Every field as its control holds it. */
export interface Draft {
  id: string;
  target: "webhook" | "mqtt";
  url: string;
  secret: string;
  host: string;
  port: string;
  topic: string;
  username: string;
  password: string;
  tls: boolean;
  kinds: readonly Kind[];
  streams: readonly string[];
  rules: string;
  classes: string;
  cooldown: string;
}

/** What is wrong, by the service's name of the field. */
export type DraftErrors = Record<
  | ("id" | "rules" | "classes" | "cooldown" | "webhook.url" | "webhook.secret")
  | ("mqtt.host" | "mqtt.port" | "mqtt.topic" | "mqtt.username" | "mqtt.password"),
  string | null
>;

export function draftOf(alert: Alert | null): Draft {
  return {
    id: alert?.id ?? "",
    target: alert?.mqtt ? "mqtt" : "webhook",
    url: "",
    secret: "",
    host: alert?.mqtt?.host ?? "",
    port: String(alert?.mqtt?.port ?? 1883),
    topic: alert?.mqtt?.topic ?? "sightline/events",
    username: alert?.mqtt?.username ?? "",
    password: "",
    tls: alert?.mqtt?.tls ?? false,
    kinds: alert?.kinds ?? [],
    streams: alert?.streams ?? [],
    rules: (alert?.rules ?? []).join(", "),
    classes: (alert?.classes ?? []).join(", "),
    cooldown: String(alert?.cooldown ?? 0),
  };
}

export function wrongIn(draft: Draft, edited: Alert | null, text: Text): DraftErrors {
  const webhook = draft.target === "webhook";
  const port = Number(draft.port);
  const cooldown = Number(draft.cooldown.replace(",", "."));
  const first = !edited;
  const before = edited?.mqtt;
  const moved = before && (before.host !== draft.host || before.port !== port || before.tls !== draft.tls);
  const check = (fine: boolean, sentence: string) => (fine ? null : sentence);
  return {
    id: check(!first || /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(draft.id), text.idMissing),
    "webhook.url": check(!webhook || (!first && !draft.url) || /^https?:\/\/\S+$/.test(draft.url), text.urlMissing),
    "webhook.secret": check(!webhook || (!first && !draft.secret) || draft.secret.length >= 8, text.secretShort),
    "mqtt.host": check(webhook || draft.host.trim() !== "", text.hostMissing),
    "mqtt.port": check(webhook || (Number.isInteger(port) && port >= 1 && port <= 65_535), text.portWrong),
    "mqtt.topic": check(webhook || /^[^#+]+$/.test(draft.topic), text.topicWrong),
    "mqtt.username": null,
    "mqtt.password": check(!(moved && before.has_password && !draft.password), text.passwordAgain),
    rules: null,
    classes: null,
    cooldown: check(cooldown >= 0 && cooldown <= 86_400, text.cooldownWrong),
  };
}

/** A new alert. */
export function bodyOf(draft: Draft): Schemas["AlertBody"] {
  const target =
    draft.target === "webhook"
      ? { webhook: { url: draft.url, secret: draft.secret } }
      : { mqtt: { ...brokerOf(draft), ...(draft.password ? { password: draft.password } : {}) } };
  return { id: draft.id, ...target, ...filterOf(draft) };
}

/** What changes of one; secrets that were not typed stay. */
export function changesOf(draft: Draft): Schemas["AlertChanges"] {
  const target =
    draft.target === "webhook"
      ? { webhook: typed({ url: draft.url, secret: draft.secret }) }
      : { mqtt: { ...brokerOf(draft), ...typed({ password: draft.password }) } };
  return { ...target, ...filterOf(draft) };
}

function brokerOf({ host, port, topic, username, tls }: Draft) {
  return { host: host.trim(), port: Number(port), topic, username: username || null, tls };
}

function filterOf(draft: Draft) {
  return {
    kinds: [...draft.kinds],
    streams: [...draft.streams],
    rules: list(draft.rules),
    classes: list(draft.classes),
    cooldown: Number(draft.cooldown.replace(",", ".")),
  };
}

function typed(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}
