/** Draw, look what it would count, save. */

import { useEffect, useState } from "preact/hooks";
import { Problem } from "../../api/client";
import { useStates } from "../../live/hooks";
import { useStill } from "../../live/still";
import { Button } from "../../parts/Button";
import { Notice, ProblemNotice } from "../../parts/Notice";
import type { Point } from "../../parts/Surface";
import { useText } from "../../text";
import { useCheck } from "./check";
import { Drawing } from "./Drawing";
import { hasDrafts, useDrawn } from "./history";
import { Preview, type Shown, useNotes, Walkers } from "./Preview";
import { refused, save } from "./save";
import { identifierFault, ShapeForm } from "./ShapeForm";
import { type Kind, nameOf, newShape, type Shape } from "./shapes";
import { faultOf, NUMBERS, type NumberName, numberFrom, type Typed } from "./typed";

const KINDS: readonly Kind[] = ["line", "zone", "mask"];
const WISH = { fps: 2, width: 1280 };
const USUAL = { width: 1280, height: 720 };

export function Editor({ stream, loaded }: { stream: string; loaded: readonly Shape[] }) {
  const text = useText();
  const drawn = useDrawn(stream, loaded);
  const [tool, setTool] = useState<Kind | null>(null);
  const [selected, setSelected] = useState<string | null>(null);
  const [typed, setTyped] = useState<Record<string, Typed>>({});
  const [shown, setShown] = useState<Shown | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState<{ kind: "good" | "bad"; text: string } | null>(null);
  const { never, faults } = useCheck(drawn.shapes);
  const noteOf = useNotes(shown);
  const still = useStill(stream, WISH);
  const state = useStates().get(stream);
  useLeaving();

  const size = still?.frame.width && still.frame.height ? still.frame : (sizeOf(state) ?? USUAL);
  const picture = { url: still?.url ?? null, width: size.width ?? USUAL.width, height: size.height ?? USUAL.height };
  const chosen = drawn.shapes.find(({ key }) => key === selected);
  const refusals = problem ? refused(problem, drawn.shapes) : new Map<string, string>();
  const wrong = new Set([...never.keys(), ...faults.keys(), ...refusals.keys()]);

  const change = (shapes: readonly Shape[], gesture?: string) => {
    setSaid(null);
    setProblem(null);
    drawn.change(shapes, gesture);
  };
  const changeOne = (shape: Shape, gesture?: string) =>
    change(drawn.shapes.map((one) => (one.key === shape.key ? shape : one)), gesture);
  const onDrawn = (points: readonly Point[]) => {
    if (tool === null) return;
    const shape = newShape(tool, points, drawn.shapes);
    change([...drawn.shapes, shape]);
    setTool(null);
    setSelected(shape.key);
  };
  const onType = (shape: Shape) => (name: NumberName, value: string) => {
    setTyped({ ...typed, [shape.key]: { ...typed[shape.key], [name]: value } });
    if (shape.kind !== "zone" || faultOf(name, value)) return;
    changeOne({ ...shape, rule: { ...shape.rule, [name]: numberFrom(value) } }, `type ${shape.key} ${name}`);
  };
  const isUnfinished = (shape: Shape): boolean =>
    (shape.kind === "zone" && NUMBERS.some((name) => faultOf(name, typed[shape.key]?.[name]))) ||
    (shape.isNew && shape.rule !== null && identifierFault(shape.rule.id, { shape, others: drawn.shapes }, text.rules) !== null);

  const onSave = async () => {
    const unfinished = drawn.shapes.find(isUnfinished);
    if (unfinished) {
      setSelected(unfinished.key);
      setSaid({ kind: "bad", text: text.rules.unfinished(nameOf(unfinished)) });
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      drawn.keep(await save(stream, drawn.shapes, drawn.saved));
      setTyped({});
      setSaid({ kind: "good", text: text.rules.saved });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setSaid(null);
    } finally {
      setBusy(false);
    }
  };

  const step = (work: () => void) => () => {
    work();
    setTyped({});
    setSaid(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "range";
    if (isTyping || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    step(event.shiftKey ? drawn.redo : drawn.undo)();
  };

  return (
    // Whoever is in the picture now is not who walked then: it steps back while tracks are shown.
    <div class={shown ? "rules replaying" : "rules"} onKeyDown={onKeyDown}>
      <div class="canvas">
        <div class="toolbar actions" role="toolbar" aria-label={text.rules.tools}>
          {KINDS.map((kind) => (
            <Button key={kind} aria-pressed={tool === kind} onClick={() => setTool(tool === kind ? null : kind)}>
              {text.rules.tool[kind]}
            </Button>
          ))}
          <span class="space" />
          <Button disabled={!drawn.canUndo} onClick={step(drawn.undo)}>
            {text.rules.undo}
          </Button>
          <Button disabled={!drawn.canRedo} onClick={step(drawn.redo)}>
            {text.rules.redo}
          </Button>
          <Button kind="first" busy={busy} disabled={!drawn.isChanged} onClick={() => void onSave()}>
            {text.parts.save}
          </Button>
        </div>
        {said && <Notice kind={said.kind}>{said.text}</Notice>}
        <ProblemNotice problem={problem} />
        <Drawing
          picture={picture}
          shapes={drawn.shapes}
          selected={selected}
          tool={tool}
          wrong={wrong}
          noteOf={noteOf}
          onSelect={setSelected}
          onChange={change}
          onDrawn={onDrawn}
          onCancel={() => setTool(null)}
        >
          {(scale) => shown && <Walkers shown={shown} scale={scale} />}
        </Drawing>
        {!still && <p class="quiet">{text.rules.noPicture}</p>}
        {drawn.isChanged && <p class="quiet">{text.rules.notSaved}</p>}
        <Preview stream={stream} shapes={drawn.shapes} shown={shown} onShow={setShown} />
      </div>
      <aside class="card" aria-label={text.rules.drawn}>
        <h2>{text.rules.drawn}</h2>
        {drawn.shapes.length === 0 && <p class="quiet">{text.rules.nothingDrawn}</p>}
        <ul class="shapes">
          {drawn.shapes.map((shape) => (
            <li key={shape.key}>
              <Button
                kind="plain"
                aria-pressed={shape.key === selected}
                onClick={() => setSelected(shape.key === selected ? null : shape.key)}
              >
                <span class={`swatch ${shape.kind}`} aria-hidden="true" />
                <span>{text.rules.shape[shape.kind](nameOf(shape))}</span>
                {wrong.has(shape.key) && (
                  <span class="badge wait">
                    {never.has(shape.key) ? text.rules.neverShort : text.rules.faultShort}
                  </span>
                )}
              </Button>
            </li>
          ))}
        </ul>
        {chosen && (
          <ShapeForm
            key={chosen.key}
            shape={chosen}
            others={drawn.shapes}
            typed={typed[chosen.key] ?? {}}
            never={never.get(chosen.key)}
            fault={faults.get(chosen.key) ?? refusals.get(chosen.key)}
            onChange={changeOne}
            onType={onType(chosen)}
            onRemove={() => {
              change(drawn.shapes.filter(({ key }) => key !== chosen.key));
              setSelected(null);
            }}
          />
        )}
      </aside>
      {/* Read aloud wherever one is: what was drawn last can never fire. */}
      <p class="unseen" role="status">
        {never.size > 0 ? text.rules.neverCount(never.size) : ""}
      </p>
    </div>
  );
}

/** Ask before the page is closed while something is not saved. */
function useLeaving(): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (hasDrafts()) event.preventDefault();
    };
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, []);
}

function sizeOf(state: { width?: number | null; height?: number | null } | undefined) {
  return state?.width && state.height ? { width: state.width, height: state.height } : null;
}
