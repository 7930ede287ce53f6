/** The picture with what is drawn into it: by mouse, by touch and by keyboard. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clip, type Point, pointAt, type Scale, stepOf, Surface } from "../../parts/Surface";
import { useText } from "../../text";
import { Arrow, Outline } from "./figures";
import { addPoint, FEWEST, type Kind, movePoint, moveShape, nameOf, removePoint, type Shape } from "./shapes";

interface Properties {
  picture: { url: string | null; width: number; height: number };
  shapes: readonly Shape[];
  selected: string | null;
  /** What is being drawn anew. */
  tool: Kind | null;
  /** Shapes that something is wrong with. */
  wrong: ReadonlySet<string>;
  /** What stands beside a shape: what it would have counted. */
  noteOf?(shape: Shape): string | undefined;
  onSelect(key: string | null): void;
  onChange(shapes: readonly Shape[], gesture?: string): void;
  onDrawn(points: readonly Point[]): void;
  onCancel(): void;
  /** What lies over the shapes. */
  children?(scale: Scale): ComponentChildren;
}

/** Pixels of the screen that count as the same place. */
const NEAR = 14;

export function Drawing(properties: Properties) {
  const { picture, shapes, selected, tool, wrong, onSelect, onChange, onDrawn, onCancel, noteOf } = properties;
  const text = useText();
  const surface = useRef<SVGSVGElement>(null);
  const [pending, setPending] = useState<readonly Point[]>([]);
  const [pointer, setPointer] = useState<Point | null>(null);
  const [said, setSaid] = useState("");
  const drag = useRef<{ gesture: string; to(point: Point): readonly Shape[] } | null>(null);
  const gestures = useRef(0);

  useEffect(() => {
    setPending([]);
    setPointer(null);
    if (tool !== null) surface.current?.focus();
  }, [tool]);

  const isNear = (one: Point, other: Point): boolean => {
    const { width, height } = surface.current?.getBoundingClientRect() ?? { width: 0, height: 0 };
    return Math.hypot((one[0] - other[0]) * width, (one[1] - other[1]) * height) < NEAR;
  };
  const finish = (points: readonly Point[]) => {
    setPending([]);
    onDrawn(points);
  };
  /** Take a corner; the last one, or the first again, ends a shape. */
  const take = (point: Point) => {
    if (tool === null) return;
    const [first] = pending;
    const last = pending.at(-1);
    const isClosing = pending.length >= FEWEST[tool] && first && last && (isNear(point, first) || isNear(point, last));
    if (isClosing) return finish(pending);
    if (last && isNear(point, last)) return;
    const points = [...pending, point];
    if (tool === "line" && points.length === 2) return finish(points);
    setPending(points);
    setSaid(text.rules.cornerSet(points.length, point));
  };
  const begin = (event: PointerEvent, to: (point: Point) => readonly Shape[]) => {
    if (tool !== null || event.button !== 0) return;
    event.stopPropagation();
    gestures.current += 1;
    drag.current = { gesture: `drag ${gestures.current}`, to };
    surface.current?.setPointerCapture(event.pointerId);
  };
  const replace = (shape: Shape) => shapes.map((one) => (one.key === shape.key ? shape : one));
  const remove = (shape: Shape) => {
    onChange(shapes.filter((one) => one.key !== shape.key));
    onSelect(null);
    surface.current?.focus();
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || !surface.current) return;
    if (tool === null) return onSelect(null);
    surface.current.setPointerCapture(event.pointerId);
    take(pointAt(surface.current, event));
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!surface.current) return;
    const point = pointAt(surface.current, event);
    if (tool !== null) setPointer(point);
    else if (drag.current) onChange(drag.current.to(point), drag.current.gesture);
  };
  const onPointerUp = (event: PointerEvent) => {
    drag.current = null;
    const [first] = pending;
    if (tool !== "line" || !surface.current || !first) return;
    // Pressed at one end and let go at the other.
    const point = pointAt(surface.current, event);
    if (!isNear(point, first)) take(point);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (tool === null || event.target !== surface.current) return;
    const step = stepOf(event);
    const at: Point = pointer ?? [0.5, 0.5];
    if (step) setPointer([clip(at[0] + step[0]), clip(at[1] + step[1])]);
    else if (event.key === "Enter" || event.key === " ") {
      setPointer(at);
      take(at);
    } else if (event.key === "Backspace") setPending(pending.slice(0, -1));
    else if (event.key === "Escape") onCancel();
    else return;
    event.preventDefault();
  };

  const onShapeKey = (event: KeyboardEvent, shape: Shape) => {
    if (tool !== null || event.target !== event.currentTarget) return;
    const step = stepOf(event);
    if (step) onChange(replace(moveShape(shape, step)), `keys ${shape.key}`);
    else if (event.key === "Delete" || event.key === "Backspace") remove(shape);
    else if (event.key === "Enter" || event.key === " ") onSelect(shape.key);
    else if (event.key === "Escape") onSelect(null);
    else return;
    event.preventDefault();
  };
  const onCornerKey = (event: KeyboardEvent, shape: Shape, index: number) => {
    const step = stepOf(event);
    const at = shape.points[index];
    if (step && at) {
      const to: Point = [clip(at[0] + step[0]), clip(at[1] + step[1])];
      onChange(replace(movePoint(shape, index, to)), `keys ${shape.key} ${index}`);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      onChange(replace(removePoint(shape, index)));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const nameFor = (shape: Shape) => text.rules.shape[shape.kind](nameOf(shape));
  const drawShape = (shape: Shape, scale: Scale) => (
    <g
      key={shape.key}
      class={`shape ${shape.kind}${wrong.has(shape.key) ? " wrong" : ""}${shape.key === selected ? " selected" : ""}`}
      tabindex={0}
      role="button"
      aria-pressed={shape.key === selected}
      aria-label={nameFor(shape)}
      onKeyDown={(event) => onShapeKey(event, shape)}
      onFocus={(event) => tool === null && event.target === event.currentTarget && onSelect(shape.key)}
      onPointerDown={(event) => {
        if (tool !== null || !surface.current) return;
        const from = pointAt(surface.current, event);
        onSelect(shape.key);
        begin(event, (to) => replace(moveShape(shape, [to[0] - from[0], to[1] - from[1]])));
      }}
    >
      <Outline kind={shape.kind} points={shape.points} scale={scale} />
      {shape.kind === "line" && <Arrow points={shape.points} scale={scale} label={text.rules.inwards} />}
      <Label shape={shape} scale={scale} note={noteOf?.(shape)} />
    </g>
  );
  const chosen = shapes.find((shape) => shape.key === selected);
  const drawHandles = (shape: Shape, { width, height, unit }: Scale) => (
    <g class="handles">
      {shape.kind !== "line" &&
        shape.points.map((point, index) => {
          const next = shape.points[(index + 1) % shape.points.length] ?? point;
          return (
            <circle
              key={`between ${index}`}
              class="between"
              cx={((point[0] + next[0]) / 2) * width}
              cy={((point[1] + next[1]) / 2) * height}
              r={7 * unit}
              role="button"
              tabindex={0}
              aria-label={text.rules.addCorner(index + 1)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                onChange(replace(addPoint(shape, index)));
              }}
              onPointerDown={(event) => {
                const more = addPoint(shape, index);
                onChange(replace(more));
                begin(event, (to) => replace(movePoint(more, index + 1, to)));
              }}
            />
          );
        })}
      {shape.points.map(([x, y], index) => (
        <circle
          key={index}
          class="corner"
          cx={x * width}
          cy={y * height}
          r={10 * unit}
          role="button"
          tabindex={0}
          aria-label={text.rules.corner(index + 1, [x, y], shape.points.length > FEWEST[shape.kind])}
          onKeyDown={(event) => onCornerKey(event, shape, index)}
          onPointerDown={(event) => begin(event, (to) => replace(movePoint(shape, index, to)))}
        />
      ))}
    </g>
  );

  return (
    <>
      <Surface
        url={picture.url}
        width={picture.width}
        height={picture.height}
        label={tool === null ? text.rules.picture : text.rules.draw[tool]}
        surface={surface}
        svg={{
          tabindex: tool === null ? -1 : 0,
          class: tool === null ? "drawing" : "drawing active",
          onPointerDown,
          onPointerMove,
          onPointerUp,
          onPointerCancel: () => (drag.current = null),
          onKeyDown,
        }}
      >
        {(scale) => (
          <>
            {shapes.map((shape) => drawShape(shape, scale))}
            {properties.children?.(scale)}
            {tool === null && chosen && drawHandles(chosen, scale)}
            {tool !== null && <Sketch kind={tool} points={pending} pointer={pointer} scale={scale} />}
          </>
        )}
      </Surface>
      <p class="unseen" aria-live="polite">
        {said}
      </p>
      {tool !== null && (
        <div class="actions drawing-hint">
          <span>{text.rules.draw[tool]}</span>
          {tool !== "line" && (
            <button class="button" type="button" disabled={pending.length < FEWEST[tool]} onClick={() => finish(pending)}>
              {text.rules.done}
            </button>
          )}
          <button class="button" type="button" onClick={onCancel}>
            {text.parts.cancel}
          </button>
        </div>
      )}
    </>
  );
}

/** What is drawn so far, to where the pointer is. */
function Sketch(properties: { kind: Kind; points: readonly Point[]; pointer: Point | null; scale: Scale }) {
  const { kind, points, pointer, scale } = properties;
  const { width, height, unit } = scale;
  const all = pointer ? [...points, pointer] : points;
  return (
    <g class={`sketch ${kind}`}>
      {points.length > 0 && <Outline kind={kind} points={all} scale={scale} />}
      {points.map(([x, y], index) => (
        <circle key={index} class="corner" cx={x * width} cy={y * height} r={6 * unit} />
      ))}
      {pointer && (
        <path
          class="cross"
          d={`M${pointer[0] * width - 12 * unit} ${pointer[1] * height}h${24 * unit}M${pointer[0] * width} ${pointer[1] * height - 12 * unit}v${24 * unit}`}
        />
      )}
    </g>
  );
}

function Label({ shape, scale, note }: { shape: Shape; scale: Scale; note: string | undefined }) {
  const { width, height, unit } = scale;
  const [x, y] = highest(shape.points);
  const words = [nameOf(shape), note].filter(Boolean).join(" · ");
  if (!words) return null;
  return (
    <text
      x={Math.min(x * width + 10 * unit, width - 8 * unit * words.length)}
      y={Math.max(y * height - 10 * unit, 16 * unit)}
      font-size={14 * unit}
    >
      {words}
    </text>
  );
}

function highest(points: readonly Point[]): Point {
  return points.reduce((best, point) => (point[1] < best[1] ? point : best), points[0] ?? [0, 0]);
}
