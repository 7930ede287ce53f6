/** What happened, in words. */

import type { RuleName } from "../../api/rules";
import type { LiveEvent } from "../../live/messages";
import type { Catalogue } from "../../text";
import { duration, number } from "../../text/format";

/** Everything about an event but when and where: `Line crossed: Door, in`. */
export function describe(event: LiveEvent, rules: readonly RuleName[], text: Catalogue): string {
  const rule = rules.find(({ stream, id }) => stream === event.stream && id === event.rule)?.name ?? event.rule;
  const more = [
    rule,
    event.direction && text.events.directions[event.direction],
    event.count != null && text.events.people(number(event.count)),
    event.seconds != null && duration(event.seconds * 1_000),
    event.state && text.events.states[event.state],
    event.error_code && (text.reasons[event.error_code as keyof Catalogue["reasons"]] ?? text.reasons.unknown),
  ].filter(Boolean);
  return more.length > 0 ? `${text.kinds[event.kind]}: ${more.join(", ")}` : text.kinds[event.kind];
}
