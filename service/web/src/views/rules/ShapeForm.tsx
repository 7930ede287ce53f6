/** What a line or zone is called, and when it reports something. */

import { Button } from "../../parts/Button";
import { Field, Select } from "../../parts/Field";
import { Notice } from "../../parts/Notice";
import { useText } from "../../text";
import type { Reason } from "./check";
import { nameOf, type Shape, turnRound } from "./shapes";
import { faultOf, NUMBERS, type NumberName, type Typed } from "./typed";

type Rule = NonNullable<Shape["rule"]>;

interface Properties {
  shape: Shape;
  others: readonly Shape[];
  typed: Typed;
  never: Reason | undefined;
  fault: string | undefined;
  onChange(shape: Shape, gesture?: string): void;
  onType(name: NumberName, text: string): void;
  onRemove(): void;
}

const ANCHORS = ["bottom_centre", "centre", "top_centre", "left_centre", "right_centre"] as const;
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function ShapeForm(properties: Properties) {
  const { shape, typed, never, fault, onChange, onType, onRemove } = properties;
  const text = useText();
  const change = (values: Partial<Rule>, what: string) => {
    if (shape.kind !== "mask") onChange({ ...shape, rule: { ...shape.rule, ...values } } as Shape, `type ${shape.key} ${what}`);
  };
  return (
    <div class="shape-form">
      <h2>{text.rules.shape[shape.kind](nameOf(shape))}</h2>
      {never && <Notice kind="wait">{text.rules.never[never](text.rules.anchors[shape.rule?.anchor ?? "bottom_centre"])}</Notice>}
      {fault && <Notice kind="bad">{text.rules.fault(fault)}</Notice>}
      {shape.kind === "mask" && <p class="quiet">{text.rules.maskHint}</p>}
      {shape.kind !== "mask" && (
        <>
          <Field
            label={text.rules.name}
            optional
            maxLength={200}
            value={shape.rule.name ?? ""}
            onValue={(name) => change({ name }, "name")}
          />
          {shape.isNew && (
            <Field
              label={text.rules.identifier}
              hint={text.rules.identifierHint}
              error={identifierFault(shape.rule.id, properties, text.rules)}
              value={shape.rule.id}
              onValue={(id) => change({ id }, "id")}
            />
          )}
          <Select
            label={text.rules.anchor}
            value={shape.rule.anchor ?? "bottom_centre"}
            options={ANCHORS.map((anchor) => [anchor, text.rules.anchors[anchor]] as const)}
            onValue={(anchor) => change({ anchor }, "anchor")}
          />
        </>
      )}
      {shape.kind === "zone" &&
        NUMBERS.map((name) => (
          <Field
            key={name}
            label={text.rules[name].label}
            hint={text.rules[name].hint}
            optional
            inputMode="decimal"
            error={faultOf(name, typed[name]) ? text.rules[name].fault : null}
            value={typed[name] ?? String(shape.rule[name] ?? "")}
            onValue={(value) => onType(name, value)}
          />
        ))}
      <div class="actions">
        {shape.kind === "line" && <Button onClick={() => onChange(turnRound(shape))}>{text.rules.turnRound}</Button>}
        <Button kind="danger" onClick={onRemove}>
          {text.rules.remove}
        </Button>
      </div>
    </div>
  );
}

/** Whether an identifier can be kept; null if so. */
export function identifierFault(
  id: string,
  { shape, others }: { shape: Shape; others: readonly Shape[] },
  text: { identifierFault: string; identifierTaken: string },
): string | null {
  if (!IDENTIFIER.test(id)) return text.identifierFault;
  return others.some((one) => one.key !== shape.key && one.rule?.id === id) ? text.identifierTaken : null;
}
