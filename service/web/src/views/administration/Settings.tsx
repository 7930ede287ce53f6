/** Values of any shape, as a list of names and values that nests. */

import type { ComponentChildren } from "preact";
import { type Catalogue, useText } from "../../text";
import { number } from "../../text/format";

/** How the service shows a secret that is set. */
const SECRET = "**********";

type Text = Catalogue["administration"]["configuration"];

/** Only what has a text in its path (`storage.retention.jobs_days`) is shown. */
export function Settings({ values, path = "", find = "" }: { values: object; path?: string; find?: string }) {
  const text = useText().administration.configuration;
  return (
    <dl class="settings">
      {Object.entries(values)
        .filter(([name, value]) => fits(`${path}${name}`, value, find))
        .map(([name, value]: [string, unknown]) => (
          <div class={isNested(value) ? "nested" : "row"} key={name}>
            <dt>{name}</dt>
            <dd>{isNested(value) ? <Nested {...{ name: `${path}${name}`, value, find }} /> : shown(value, text)}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Whether anything under a path has a text in its name. */
export function fits(path: string, value: unknown, find: string): boolean {
  if (path.toLowerCase().includes(find.toLowerCase())) return true;
  return isNested(value) && Object.entries(value).some(([name, inner]) => fits(`${path}.${name}`, inner, find));
}

function Nested({ name, value, find }: { name: string; value: object; find: string }) {
  if (!Array.isArray(value)) return <Settings values={value} path={`${name}.`} find={find} />;
  const items = value.map((item: unknown, index) => [labelOf(item, index), item] as const);
  return <Settings values={Object.fromEntries(items)} path={`${name}.`} find={find} />;
}

/** Items of a list are called by their identifiers, where they have any. */
function labelOf(item: unknown, index: number): string {
  const named = typeof item === "object" && item !== null && "id" in item ? item.id : index + 1;
  return String(named);
}

function isNested(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => typeof item === "object" && item !== null);
  return Object.keys(value).length > 0;
}

function shown(value: unknown, text: Text): ComponentChildren {
  if (value === null || value === "") return <span class="quiet">{text.unset}</span>;
  if (value === SECRET) return <span class="quiet">{text.secret}</span>;
  if (typeof value === "boolean") return value ? text.yes : text.no;
  if (typeof value === "number") return number(value, { useGrouping: false, maximumFractionDigits: 6 });
  if (Array.isArray(value) && value.length > 0) return value.map(String).join(", ");
  if (typeof value === "object") return <span class="quiet">{text.empty}</span>;
  return String(value);
}
