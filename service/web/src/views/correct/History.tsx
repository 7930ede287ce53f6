import { Button } from "../../parts/Button";
import { Time } from "../../parts/Time";
import { type Catalogue, useText } from "../../text";
import { number } from "../../text/format";
import type { Corrections, Edit } from "./useCorrections";

const SHOWN = 30;

/** What was changed, the newest first, and the way back. */
export function History({ corrections }: { corrections: Corrections }) {
  const text = useText().correct;
  const { saved, undone, status } = corrections;
  if (!saved) return null;
  const last = [...saved.edits].reverse().slice(0, SHOWN);
  return (
    <section class="history" aria-label={text.history}>
      <div class="bar">
        <h2>{text.changes(number(saved.edits.length))}</h2>
        <Button disabled={status !== "saved" || saved.edits.length === 0} onClick={corrections.undo}>
          {text.undo}
        </Button>
        <Button disabled={status !== "saved" || undone.length === 0} onClick={corrections.redo}>
          {text.redo}
        </Button>
      </div>
      <p class="quiet" role="status">
        {status === "saved" ? (saved.revision ? text.saved : text.unchanged) : status === "saving" ? text.saving : text.waiting}{" "}
        {saved.saved_at && <Time at={saved.saved_at} />} {saved.saved_by}
        {saved.dropped_boxes > 0 && <> · {text.dropped(number(saved.dropped_boxes))}</>}
      </p>
      <ol>
        {last.map((edit, place) => (
          <li key={saved.edits.length - place}>{describe(edit, text)}</li>
        ))}
      </ol>
    </section>
  );
}

function describe(edit: Edit, text: Catalogue["correct"]): string {
  switch (edit.do) {
    case "merge":
      return text.merged(String(edit.other), String(edit.id));
    case "split":
      return text.wasSplit(String(edit.id), String(edit.frame), String(edit.to));
    case "delete":
      return text.deleted(String(edit.id));
    case "rename":
      return text.renamed(String(edit.id), String(edit.to));
  }
}
