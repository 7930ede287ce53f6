import { useEffect, useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { Button } from "../../parts/Button";
import { colourOf } from "../../parts/canvas";
import { Field } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import type { Corrections, Edit } from "./useCorrections";

type Track = Schemas["JobTrack"];

interface Properties {
  track: Track;
  facts: Schemas["JobTracksAnswer"];
  /** The frame that is shown; null where nobody looked. */
  frame: number | null;
  corrections: Corrections;
  /** The second track, as it was typed or picked with Shift. */
  other: string;
  onOther(value: string): void;
  onSelect(id: number | null): void;
}

/** What can be said of one track. */
export function Tools({ track, facts, frame, corrections, other, onOther, onSelect }: Properties) {
  const text = useText().correct;
  const free = Math.max(0, ...facts.tracks.map(({ id }) => id)) + 1;
  const [to, setTo] = useState("");
  const [tried, setTried] = useState<Edit["do"] | null>(null);
  const busy = corrections.status !== "saved";
  const second = facts.tracks.find(({ id }) => String(id) === other.trim());
  const renamed = Number(to);
  const takeable = Number.isInteger(renamed) && renamed >= 1 && to.trim() !== "";
  const taken = facts.tracks.some(({ id }) => id === renamed);
  const splits = frame !== null && frame > track.first && frame <= track.last;

  // What was asked for is done once it is saved; what was typed for it is used up then.
  const revision = corrections.saved?.revision;
  useEffect(() => {
    if (tried === "merge") onOther("");
    if (tried === "rename") onSelect(renamed);
    if (tried === "delete") onSelect(null);
    setTried(null);
  }, [revision]);
  const say = (edit: Edit) => {
    setTried(edit.do);
    corrections.add(edit);
  };

  let mergeError: string | null = null;
  if (other.trim() !== "") {
    if (!second) mergeError = text.noSuch(other.trim());
    else if (second.id === track.id) mergeError = text.same;
  }
  const together = second && second.id !== track.id && second.first <= track.last && track.first <= second.last;
  return (
    <section class="tools card" aria-label={text.track(String(track.id))}>
      <h2>
        <i style={{ background: colourOf(String(track.id)) }} />
        {text.track(String(track.id))}
      </h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (second && !mergeError && !busy) say({ do: "merge", id: track.id, other: second.id });
        }}
      >
        <Field
          label={text.mergeWith}
          hint={text.mergeHint}
          inputMode="numeric"
          autoComplete="off"
          value={other}
          onValue={onOther}
          error={mergeError}
        />
        <Button type="submit" disabled={busy || !second || mergeError !== null}>
          {text.merge}
        </Button>
      </form>
      {together && <Notice kind="wait">{text.together(String(track.id))}</Notice>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (takeable && !taken && !busy) say({ do: "rename", id: track.id, to: renamed });
        }}
      >
        <Field
          label={text.newNumber}
          inputMode="numeric"
          autoComplete="off"
          value={to}
          onValue={setTo}
          error={to.trim() === "" ? null : !takeable ? text.whole : taken ? text.taken(to.trim()) : null}
        />
        <Button type="submit" disabled={busy || !takeable || taken}>
          {text.rename}
        </Button>
      </form>
      <div class="actions">
        <Button
          disabled={busy || !splits}
          title={text.splitHint}
          onClick={() => frame !== null && say({ do: "split", id: track.id, frame, to: free })}
        >
          {text.split(String(free))}
        </Button>
        <Button kind="danger" disabled={busy} onClick={() => say({ do: "delete", id: track.id })}>
          {text.remove}
        </Button>
      </div>
      <p class="quiet">{text.splitHint}</p>
      {corrections.status === "waiting" && <Notice kind="wait">{text.waiting}</Notice>}
      {corrections.problem?.code === "conflict" ? (
        <Notice kind="bad">
          {text.conflict} <Button onClick={corrections.reload}>{text.theirs}</Button>
        </Notice>
      ) : (
        <ProblemNotice problem={corrections.problem} />
      )}
    </section>
  );
}
