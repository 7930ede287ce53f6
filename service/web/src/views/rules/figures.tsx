/** Shapes as they look, in units of the picture's pixels. */

import type { Point, Scale } from "../../parts/Surface";
import type { Kind } from "./shapes";

/** A line or an area, with a dark edge so that it shows on every picture, and wide enough to be hit. */
export function Outline({ kind, points, scale }: { kind: Kind; points: readonly Point[]; scale: Scale }) {
  const corners = points.map(([x, y]) => `${x * scale.width},${y * scale.height}`).join(" ");
  if (kind === "line" || points.length < 3) {
    return (
      <>
        <polyline class="hit" points={corners} />
        <polyline class="edge" points={corners} />
        <polyline class="stroke" points={corners} />
      </>
    );
  }
  return (
    <>
      <polygon class="edge" points={corners} />
      <polygon class="stroke" points={corners} />
    </>
  );
}

/** Which way over a line counts as `in`: to the right hand of who walks from its first end. */
export function Arrow({ points, scale, label }: { points: readonly Point[]; scale: Scale; label: string }) {
  const [from, to] = points;
  if (!from || !to) return null;
  const { width, height, unit } = scale;
  const [dx, dy] = [(to[0] - from[0]) * width, (to[1] - from[1]) * height];
  const length = Math.hypot(dx, dy);
  if (length === 0) return null;
  const [x, y] = [((from[0] + to[0]) / 2) * width, ((from[1] + to[1]) / 2) * height];
  const [ux, uy] = [-dy / length, dx / length];
  const reach = 34 * unit;
  const [tipX, tipY] = [x + ux * reach, y + uy * reach];
  const wing = 9 * unit;
  const head = [
    [tipX, tipY],
    [tipX - ux * wing * 1.6 - uy * wing, tipY - uy * wing * 1.6 + ux * wing],
    [tipX - ux * wing * 1.6 + uy * wing, tipY - uy * wing * 1.6 - ux * wing],
  ];
  return (
    <g class="arrow">
      <line class="edge" x1={x} y1={y} x2={tipX} y2={tipY} />
      <line class="stroke" x1={x} y1={y} x2={tipX} y2={tipY} />
      <polygon class="head" points={head.map((corner) => corner.join(",")).join(" ")} />
      <text
        x={tipX + ux * 14 * unit}
        y={tipY + uy * 14 * unit}
        font-size={13 * unit}
        text-anchor="middle"
        dominant-baseline="middle"
      >
        {label}
      </text>
    </g>
  );
}
