import type { ComponentChildren, ButtonHTMLAttributes } from "preact";
import { currentText } from "../text";

interface Properties extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "size"> {
  /** `first`: what one came for; `danger`: what cannot be undone; `plain`: without a frame. */
  kind?: "first" | "danger" | "plain";
  /** Work under way: it cannot be pressed again, and says so. */
  busy?: boolean;
  children: ComponentChildren;
}

/** A button; of type `button` unless another is named. */
export function Button({ kind, busy = false, children, class: more = "", ...rest }: Properties) {
  const names = ["button", kind, more].filter(Boolean).join(" ");
  return (
    <button type="button" {...rest} class={names} disabled={busy || rest.disabled} aria-busy={busy || undefined}>
      {children}
    </button>
  );
}

/** The button that leaves a form or dialog as it was. */
export function CancelButton({ onClick }: { onClick(): void }) {
  return <Button onClick={onClick}>{currentText().parts.cancel}</Button>;
}
