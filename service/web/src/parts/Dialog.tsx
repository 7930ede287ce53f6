import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client";
import { useText } from "../text";
import { Button } from "./Button";
import { ProblemNotice } from "./Notice";

interface Properties {
  title: string;
  /** Wide dialogs show pictures. */
  wide?: boolean;
  onClose(): void;
  children: ComponentChildren;
}

/** A dialog, open as long as it is drawn; Escape and its button close it, the focus goes back. */
export function Dialog({ title, wide = false, onClose, children }: Properties) {
  const text = useText();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;

  useEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : ""}
      aria-labelledby={id}
      onCancel={(event) => {
        // It is closed by no longer being drawn.
        event.preventDefault();
        close.current();
      }}
    >
      <div class="bar">
        <h2 id={id}>{title}</h2>
        <Button onClick={onClose}>{text.parts.close}</Button>
      </div>
      <div class="body">{children}</div>
    </dialog>
  );
}

interface Question {
  title: string;
  children: ComponentChildren;
  /** What is done, as its button says it. */
  action: string;
  /** Does it, and closes the dialog; a problem is shown in it. */
  onConfirm(): Promise<unknown>;
  onClose(): void;
}

/** Asks before something that cannot be undone. */
export function Confirm({ title, children, action, onConfirm, onClose }: Question) {
  const text = useText();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const confirm = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <ProblemNotice problem={problem} />
      <div class="actions">
        <Button kind="danger" busy={busy} onClick={() => void confirm()}>
          {action}
        </Button>
        <Button onClick={onClose}>{text.parts.cancel}</Button>
      </div>
    </Dialog>
  );
}
