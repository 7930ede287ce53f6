/** What an administrator keeps in order; operators see of it what is theirs. */

import type { FunctionComponent } from "preact";
import { EmptyState } from "../../parts/EmptyState";
import { Links } from "../../parts/Links";
import { Page } from "../../parts/Page";
import { hrefOf, type ViewProperties } from "../../routes";
import { may, type Role, useWho } from "../../session";
import { type Catalogue, useText } from "../../text";
import { Alerts } from "./Alerts";
import { Audit } from "./Audit";
import { Configuration } from "./Configuration";
import { Deliveries } from "./Deliveries";
import { Keys } from "./Keys";
import { Models } from "./Models";
import { Storage } from "./Storage";
import "./administration.css";

interface Section {
  name: "keys" | "alerts" | "storage" | "models" | "audit" | "configuration";
  role: Role;
  View: FunctionComponent;
}

const SECTIONS: readonly Section[] = [
  { name: "keys", role: "admin", View: Keys },
  { name: "alerts", role: "operator", View: Alerts },
  { name: "storage", role: "admin", View: Storage },
  { name: "models", role: "viewer", View: Models },
  { name: "audit", role: "admin", View: Audit },
  { name: "configuration", role: "admin", View: Configuration },
];

export default function Administration({ parts: [name, item] }: ViewProperties) {
  const text = useText();
  const who = useWho();
  const allowed = SECTIONS.filter(({ role }) => may(who, role));
  const section = name === undefined ? allowed[0] : allowed.find((one) => one.name === name);
  return (
    <Page title={titleOf(section, text)}>
      <Links
        class="sections"
        label={text.administration.sections}
        links={allowed.map((one) => ({
          href: hrefOf("administration", one.name),
          title: text.administration[one.name].title,
          current: one === section,
        }))}
      />
      <Shown section={section} item={item} />
    </Page>
  );
}

function Shown({ section, item }: { section: Section | undefined; item: string | undefined }) {
  const text = useText();
  if (!section) return <EmptyState title={text.shell.noView}>{text.shell.noViewHint}</EmptyState>;
  if (section.name === "alerts" && item) return <Deliveries key={item} alert={item} />;
  return <section.View key={section.name} />;
}

function titleOf(section: Section | undefined, text: Catalogue): string {
  return section ? text.administration[section.name].title : text.administration.title;
}
