/** The configuration that is in force, without secrets. */

import { useState } from "preact/hooks";
import { useAnswer } from "../../api/hooks";
import { EmptyState } from "../../parts/EmptyState";
import { Field } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import { fits, Settings } from "./Settings";

export function Configuration() {
  const text = useText().administration.configuration;
  const { data, problem } = useAnswer("/v1/config", {});
  const [find, setFind] = useState("");
  const sections = Object.entries(data ?? {}).filter(([name, value]) => fits(name, value, find.trim()));
  return (
    <section class="section">
      <div class="lead">
        <p>{text.explanation}</p>
      </div>
      <ProblemNotice problem={problem} />
      <div class="filter">
        <Field label={text.find} type="search" value={find} spellcheck={false} onValue={setFind} />
      </div>
      {data && sections.length === 0 && <EmptyState title={text.none}>{text.noneHint}</EmptyState>}
      {sections.length > 0 && (
        <div class="columns">
          {sections.map(([name, value]) => (
            <section class="card" key={name} aria-label={name}>
              <h2>{name}</h2>
              <Settings value={value} path={name} find={find.trim()} />
            </section>
          ))}
        </div>
      )}
    </section>
  );
}
