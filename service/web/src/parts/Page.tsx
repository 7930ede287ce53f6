import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Properties {
  title: string;
  /** Buttons beside the title. */
  actions?: ComponentChildren;
  /** A few words beside the title. */
  summary?: ComponentChildren;
  children: ComponentChildren;
}

/** A view: its title gets the focus when one comes to it, so that it is read aloud. */
export function Page({ title, actions, summary, children }: Properties) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Sightline`;
  }, [title]);
  // Once: a title that changes by itself must not take the focus from somebody who types.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <>
      <div class="head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {summary && <span class="quiet">{summary}</span>}
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}
