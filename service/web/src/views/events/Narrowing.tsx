/** The form that narrows the list. */

import type { RuleName } from "../../api/rules";
import { Button } from "../../parts/Button";
import { Field, Select } from "../../parts/Field";
import { useText } from "../../text";
import { type Filters, NONE, OF_RULES, OTHERS } from "./filters";

interface Properties {
  filters: Filters;
  cameras: readonly { id: string; name: string }[];
  rules: readonly RuleName[];
  classes: readonly string[];
  onChange(filters: Filters): void;
}

export function Narrowing({ filters, cameras, rules, classes, onChange }: Properties) {
  const text = useText();
  const change = (values: Partial<Filters>) => onChange({ ...filters, ...values });
  const all = ["", text.events.all] as const;
  const ofCamera = rules.filter(({ stream }) => !filters.stream || stream === filters.stream);
  const isWrong = filters.begin !== "" && filters.end !== "" && filters.end <= filters.begin;
  const names = [...new Map(ofCamera.map(({ id, name }) => [id, name]))];
  if (filters.rule && !names.some(([id]) => id === filters.rule)) names.push([filters.rule, filters.rule]);
  return (
    <form class="card narrowing" aria-label={text.events.filters} onSubmit={(event) => event.preventDefault()}>
      <Select
        label={text.parts.camera}
        value={filters.stream}
        options={[all, ...cameras.map(({ id, name }) => [id, name || id] as const)]}
        onValue={(stream) => change({ stream, rule: "" })}
      />
      <Select label={text.events.rule} value={filters.rule} options={[all, ...names]} onValue={(rule) => change({ rule })} />
      <Select
        label={text.events.kind}
        value={filters.kind}
        options={[
          ["", text.events.ofRules] as const,
          ["all", text.events.everything] as const,
          ...[...OF_RULES, ...OTHERS].map((kind) => [kind, text.kinds[kind]] as const),
        ]}
        onValue={(kind) => change({ kind })}
      />
      <Select
        label={text.events.class}
        value={filters.class}
        options={[all, ...classes.map((name) => [name, name] as const)]}
        onValue={(name) => change({ class: name })}
      />
      <Field type="datetime-local" label={text.events.begin} value={filters.begin} onValue={(begin) => change({ begin })} />
      <Field
        type="datetime-local"
        label={text.events.end}
        value={filters.end}
        error={isWrong ? text.events.endFault : null}
        onValue={(end) => change({ end })}
      />
      {JSON.stringify(filters) !== JSON.stringify(NONE) && (
        <Button onClick={() => onChange(NONE)}>{text.events.clear}</Button>
      )}
      {filters.track && (
        <p class="of-track">
          {text.events.ofTrack(filters.track)} <Button kind="plain" onClick={() => change({ track: "" })}>{text.events.ofAll}</Button>
        </p>
      )}
    </form>
  );
}
