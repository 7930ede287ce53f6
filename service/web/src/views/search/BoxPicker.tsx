/** Says who in a picture is meant: one of those who were found in it, or a box that is drawn. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../parts/Button";
import { clip, type Point, pointAt, stepOf, Surface } from "../../parts/Surface";
import { numberOf } from "../../parts/canvas";
import { useText } from "../../text";
import type { Box } from "./find";

interface Properties {
  picture: { url: string; width: number; height: number };
  /** Who was found in it. */
  people: readonly { id: string; box: Box }[];
  box: Box | null;
  onBox(box: Box | null): void;
  onPerson(id: string): void;
  /** A picture that moves on is held while a box is drawn. */
  onHold?(): void;
}

/** A box that is narrower was a click. */
const SMALLEST = 0.01;
const FIRST: Box = [0.4, 0.3, 0.6, 0.8];

export function BoxPicker({ picture, people, box, onBox, onPerson, onHold }: Properties) {
  const text = useText();
  const surface = useRef<SVGSVGElement>(null);
  const from = useRef<Point | null>(null);
  const [drawn, setDrawn] = useState<Box | null>(null);
  const shown = drawn ?? box;
  useEffect(() => setDrawn(null), [box]);

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || !surface.current) return;
    from.current = pointAt(surface.current, event);
    surface.current.setPointerCapture(event.pointerId);
    onHold?.();
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!from.current || !surface.current) return;
    const [x, y] = pointAt(surface.current, event);
    const [left, top] = from.current;
    setDrawn([Math.min(x, left), Math.min(y, top), Math.max(x, left), Math.max(y, top)]);
  };
  const onPointerUp = (event: PointerEvent) => {
    const start = from.current;
    from.current = null;
    if (drawn && drawn[2] - drawn[0] >= SMALLEST && drawn[3] - drawn[1] >= SMALLEST) return onBox(drawn);
    setDrawn(null);
    // A click is on somebody, on the smallest box where several lie over one another.
    if (!start || !surface.current) return;
    const [x, y] = pointAt(surface.current, event);
    const hit = people
      .filter(({ box: [x1, y1, x2, y2] }) => x >= x1 && x <= x2 && y >= y1 && y <= y2)
      .sort((one, other) => areaOf(one.box) - areaOf(other.box))[0];
    if (hit) onPerson(hit.id);
  };
  const onBoxKey = (event: KeyboardEvent) => {
    const step = stepOf({ key: event.key, shiftKey: false });
    if (!step || !shown) return;
    event.preventDefault();
    const [x1, y1, x2, y2] = shown;
    const [dx, dy] = step;
    // With Shift the lower right corner alone moves.
    const next: Box = event.shiftKey
      ? [x1, y1, clip(Math.max(x1 + SMALLEST, x2 + dx)), clip(Math.max(y1 + SMALLEST, y2 + dy))]
      : moved(shown, dx, dy);
    onBox(next);
  };

  return (
    <>
      <Surface
        url={picture.url}
        width={picture.width}
        height={picture.height}
        label={text.search.pick}
        surface={surface}
        svg={{
          class: "picking",
          onPointerDown,
          onPointerMove,
          onPointerUp,
          onPointerCancel: () => {
            from.current = null;
            setDrawn(null);
          },
        }}
      >
        {({ width, height, unit }) => (
          <>
            {people.map(({ id, box: [x1, y1, x2, y2] }) => (
              <g
                key={id}
                class="person"
                role="button"
                tabindex={0}
                aria-label={text.search.person(numberOf(id))}
                onKeyDown={(event) => {
                  if (event.key !== "Enter" && event.key !== " ") return;
                  event.preventDefault();
                  onPerson(id);
                }}
              >
                <rect class="edge" x={x1 * width} y={y1 * height} width={(x2 - x1) * width} height={(y2 - y1) * height} />
                <rect x={x1 * width} y={y1 * height} width={(x2 - x1) * width} height={(y2 - y1) * height} />
                <text x={x1 * width + 3 * unit} y={Math.max(y1 * height - 5 * unit, 14 * unit)} font-size={13 * unit}>
                  {numberOf(id)}
                </text>
              </g>
            ))}
            {shown && (
              <rect
                class="chosen"
                x={shown[0] * width}
                y={shown[1] * height}
                width={(shown[2] - shown[0]) * width}
                height={(shown[3] - shown[1]) * height}
                role="button"
                tabindex={0}
                aria-label={text.search.box}
                onKeyDown={onBoxKey}
              />
            )}
          </>
        )}
      </Surface>
      <div class="actions">
        <p class="quiet pick-hint">{people.length > 0 ? text.search.pickHintPeople : text.search.pickHint}</p>
        {shown ? (
          <Button onClick={() => onBox(null)}>{text.search.noBox}</Button>
        ) : (
          <Button
            onClick={() => {
              onHold?.();
              onBox(FIRST);
            }}
          >
            {text.search.setBox}
          </Button>
        )}
      </div>
    </>
  );
}

function areaOf([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) * (y2 - y1);
}

function moved([x1, y1, x2, y2]: Box, dx: number, dy: number): Box {
  const x = Math.min(Math.max(dx, -x1), 1 - x2);
  const y = Math.min(Math.max(dy, -y1), 1 - y2);
  return [clip(x1 + x), clip(y1 + y), clip(x2 + x), clip(y2 + y)];
}
