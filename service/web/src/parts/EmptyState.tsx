import type { ComponentChildren } from "preact";

interface Properties {
  title: string;
  /** What to do next. */
  children?: ComponentChildren;
}

/** What stands where nothing is yet. */
export function EmptyState({ title, children }: Properties) {
  return (
    <div class="empty">
      <b>{title}</b>
      {children}
    </div>
  );
}
