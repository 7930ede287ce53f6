import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "./surface.css";

/** x and y in 0…1 of the picture. */
export type Point = readonly [number, number];

/** Where things are on a surface. */
export interface Scale {
  width: number;
  height: number;
  /** Units of the drawing for one pixel of the screen: handles are of one size on every screen. */
  unit: number;
}

interface Properties {
  /** The picture under the drawing; null leaves it dark. */
  url: string | null;
  width: number;
  height: number;
  label: string;
  /** What is drawn over it, in units of the picture's pixels. */
  children(scale: Scale): ComponentChildren;
  /** Handlers and attributes of the drawing. */
  svg?: Record<string, unknown>;
  surface?: RefObject<SVGSVGElement>;
}

/** A picture with a drawing over it that is as large as it. */
export function Surface({ url, width, height, label, children, svg = {}, surface }: Properties) {
  const own = useRef<SVGSVGElement>(null);
  const drawing = surface ?? own;
  const [shown, setShown] = useState(width);
  useEffect(() => {
    const watched = drawing.current;
    if (!watched) return;
    const observer = new ResizeObserver(() => setShown(watched.clientWidth || width));
    observer.observe(watched);
    return () => observer.disconnect();
  }, [width]);
  return (
    // As wide as there is room, unless it became higher than the screen.
    <div
      class="surface"
      style={{ aspectRatio: `${width} / ${height}`, maxWidth: `calc(var(--most-height) * ${width / height})` }}
    >
      {url !== null && <img src={url} alt="" />}
      <svg ref={drawing} viewBox={`0 0 ${width} ${height}`} aria-label={label} role="group" {...svg}>
        {children({ width, height, unit: width / shown })}
      </svg>
    </div>
  );
}

/** Where a pointer is on a drawing, inside of the picture. */
export function pointAt(drawing: SVGSVGElement, event: { clientX: number; clientY: number }): Point {
  const { left, top, width, height } = drawing.getBoundingClientRect();
  return [clip((event.clientX - left) / width), clip((event.clientY - top) / height)];
}

/** A share inside of 0…1, to a hundredth of a per cent. */
export function clip(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000;
}

/** The step that an arrow key asks for, larger with Shift; null for another key. */
export function stepOf(event: Pick<KeyboardEvent, "key" | "shiftKey">): Point | null {
  const step = event.shiftKey ? 0.05 : 0.01;
  switch (event.key) {
    case "ArrowLeft":
      return [-step, 0];
    case "ArrowRight":
      return [step, 0];
    case "ArrowUp":
      return [0, -step];
    case "ArrowDown":
      return [0, step];
    default:
      return null;
  }
}
