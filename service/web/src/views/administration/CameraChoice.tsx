/** Which cameras something concerns. */

import { useId } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { Checkbox } from "../../parts/Field";
import { useText } from "../../text";

type Camera = Pick<Schemas["StreamAnswer"], "id" | "name">;

interface Choice {
  cameras: readonly Camera[];
  chosen: readonly string[];
  onValue(chosen: string[]): void;
}

/** A box for every camera; one that is gone stays to be seen as long as it is chosen. */
export function CameraBoxes({ cameras, chosen, onValue }: Choice) {
  const known = new Set(cameras.map(({ id }) => id));
  const gone = chosen.filter((id) => !known.has(id)).map((id) => ({ id, name: id }));
  return (
    <div class="choices">
      {[...cameras, ...gone].map(({ id, name }) => (
        <Checkbox
          key={id}
          label={name ?? id}
          checked={chosen.includes(id)}
          onValue={(on) => onValue(on ? [...chosen, id] : chosen.filter((one) => one !== id))}
        />
      ))}
    </div>
  );
}

interface Grant {
  cameras: readonly Camera[];
  loading: boolean;
  /** null for all, also future ones. */
  chosen: readonly string[] | null;
  error: string | null | undefined;
  onValue(chosen: string[] | null): void;
}

/** All cameras, or some. */
export function ChosenCameras({ cameras, loading, chosen, error, onValue }: Grant) {
  const text = useText().administration.keys;
  const id = useId();
  return (
    <fieldset aria-describedby={`${id}-error`} aria-invalid={error ? true : undefined}>
      <legend>{text.cameras}</legend>
      <label class="radio">
        <input type="radio" name={id} checked={chosen === null} onChange={() => onValue(null)} />
        <span>
          {text.allCameras} <span class="quiet">{text.allHint}</span>
        </span>
      </label>
      <label class="radio">
        <input type="radio" name={id} checked={chosen !== null} onChange={() => onValue([])} />
        {text.someCameras}
      </label>
      {chosen !== null && <CameraBoxes cameras={cameras} chosen={chosen} onValue={onValue} />}
      {chosen !== null && cameras.length === 0 && !loading && <p class="quiet">{text.noCameras}</p>}
      <div class={error ? "field wrong" : "field"}>
        <p id={`${id}-error`} class="error" aria-live="polite">
          {error}
        </p>
      </div>
    </fieldset>
  );
}
