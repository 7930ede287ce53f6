/** Values of any shape, as names and values that nest. */

import type { ComponentChildren } from "preact";
import { type Catalogue, useText } from "../../text";
import { number } from "../../text/format";

/** How the service shows a secret that is set. */
const SECRET = "**********";

type Text = Catalogue["administration"]["configuration"];

interface Properties {
  value: unknown;
  /** Where it stands: `storage.retention`. */
  path?: string;
  /** Only what has this text in its path is shown. */
  find?: string;
}

export function Settings({ value, path = "", find = "" }: Properties) {
  const text = useText().administration.configuration;
  if (!isNested(value)) return <p>{shown(value, text)}</p>;
  return (
    <dl class="settings">
      {entriesOf(value)
        .filter(([name, inner]) => fits(join(path, name), inner, find))
        .map(([name, inner]) => (
          <div class={isNested(inner) ? "nested" : "row"} key={name}>
            <dt>{name}</dt>
            <dd>
              {isNested(inner) ? <Settings value={inner} path={join(path, name)} find={find} /> : shown(inner, text)}
            </dd>
          </div>
        ))}
    </dl>
  );
}

/** Whether a path, or anything under it, has a text in its name. */
export function fits(path: string, value: unknown, find: string): boolean {
  if (path.toLowerCase().includes(find.toLowerCase())) return true;
  return isNested(value) && entriesOf(value).some(([name, inner]) => fits(join(path, name), inner, find));
}

function join(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}

/** Names and values; items of a list are called by their identifiers, where they have any. */
function entriesOf(value: object): [string, unknown][] {
  if (!Array.isArray(value)) return Object.entries(value);
  return value.map((item: unknown, index) => {
    const named = typeof item === "object" && item !== null && "id" in item ? item.id : index + 1;
    return [String(named), item];
  });
}

/** Whether a value takes lines of its own; lists of numbers and points do not. */
function isNested(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (!Array.isArray(value)) return Object.keys(value).length > 0;
  return value.some((item) => typeof item === "object" && item !== null && !Array.isArray(item));
}

function shown(value: unknown, text: Text): ComponentChildren {
  if (value === null || value === undefined || value === "") return <span class="quiet">{text.unset}</span>;
  if (value === SECRET) return <span class="quiet">{text.secret}</span>;
  if (typeof value === "boolean") return value ? text.yes : text.no;
  if (typeof value === "number") return number(value, { useGrouping: false, maximumFractionDigits: 6 });
  if (Array.isArray(value) && value.length > 0) {
    const points = value.some(Array.isArray);
    return value.map((item) => (Array.isArray(item) ? item.join(" ") : String(item))).join(points ? " · " : ", ");
  }
  if (typeof value === "object") return <span class="quiet">{text.empty}</span>;
  return String(value);
}
