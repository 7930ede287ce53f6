/** Names of hours and days in the viewer's language and zone. */

import { currentLanguage } from "../../text";
import type { Grain } from "./time";

export function stepName(at: Date, grain: Grain): string {
  if (grain === "day") return formatted(at, { weekday: "short", day: "numeric", month: "short" });
  return `${dayOf(at)}, ${formatted(at, { hour: "2-digit", minute: "2-digit" })}`;
}

export function dayOf(at: Date): string {
  return formatted(at, { day: "numeric", month: "short" });
}

function formatted(at: Date, options: Intl.DateTimeFormatOptions): string {
  const language = currentLanguage();
  const own = navigator.languages.find((one) => one.startsWith(language)) ?? language;
  return new Intl.DateTimeFormat(own, options).format(at);
}
