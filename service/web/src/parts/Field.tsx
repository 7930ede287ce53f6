import type { ComponentChildren, InputHTMLAttributes, SelectHTMLAttributes } from "preact";
import { useId } from "preact/hooks";
import { useText } from "../text";

interface Described {
  label: string;
  /** What is expected, under the control. */
  hint?: ComponentChildren;
  /** What is wrong with what was typed; null if nothing. */
  error?: string | null | undefined;
  optional?: boolean;
}

type Rest<T> = Omit<T, "label" | "onInput" | "onChange" | "value" | "id">;

interface TextField extends Described, Rest<InputHTMLAttributes<HTMLInputElement>> {
  value: string;
  onValue(value: string): void;
}

/** One line of text. What was typed is its user's: it stays whatever goes wrong. */
export function Field({ label, hint, error, optional, value, onValue, ...rest }: TextField) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <input
        {...rest}
        id={id}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
        {...described(id, hint, error)}
      />
    </Frame>
  );
}

interface AreaField extends Described {
  value: string;
  rows?: number;
  onValue(value: string): void;
}

/** Several lines of text. */
export function TextArea({ label, hint, error, optional, value, onValue, rows = 4 }: AreaField) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <textarea
        id={id}
        rows={rows}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
        {...described(id, hint, error)}
      />
    </Frame>
  );
}

interface SelectField<V extends string> extends Described, Rest<SelectHTMLAttributes<HTMLSelectElement>> {
  value: V;
  /** Value and text of each. */
  options: readonly (readonly [V, string])[];
  onValue(value: NoInfer<V>): void;
}

/** One of a few. */
export function Select<V extends string>(properties: SelectField<V>) {
  const { label, hint, error, optional, value, options, onValue, ...rest } = properties;
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error, optional }}>
      <select
        {...rest}
        id={id}
        value={value}
        onChange={(event) => onValue(event.currentTarget.value as V)}
        {...described(id, hint, error)}
      >
        {options.map(([one, text]) => (
          <option key={one} value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
    </Frame>
  );
}

interface Box {
  label: string;
  hint?: ComponentChildren;
  checked: boolean;
  disabled?: boolean;
  onValue(checked: boolean): void;
}

/** On or off. */
export function Checkbox({ label, hint, checked, disabled = false, onValue }: Box) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onValue(event.currentTarget.checked)}
        {...described(id, hint, null)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

function Frame({ id, label, hint, error, optional, children }: Described & { id: string; children: ComponentChildren }) {
  const text = useText();
  return (
    <div class={error ? "field wrong" : "field"}>
      <label for={id}>
        {label}
        {optional && <span class="quiet"> ({text.parts.optional})</span>}
      </label>
      {children}
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      {/* Always there: what appears in it is read aloud. */}
      <p id={`${id}-error`} class="error" aria-live="polite">
        {error}
      </p>
    </div>
  );
}

function described(id: string, hint: ComponentChildren, error: string | null | undefined) {
  const places = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return { "aria-describedby": places || undefined, "aria-invalid": error ? true : undefined };
}
