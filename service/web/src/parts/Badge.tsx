import type { ComponentChildren } from "preact";

export type BadgeKind = "good" | "wait" | "bad" | "off";

/** One word about a state, told apart by its text and not by its colour alone. */
export function Badge({ kind, children }: { kind: BadgeKind; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}
