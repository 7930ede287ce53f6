/** What is drawn into a camera's picture: lines, zones and masks, and how they change. */

import type { Schemas } from "../../api/client";
import { clip, type Point } from "../../parts/Surface";

export type Line = Schemas["Line"];
export type Zone = Schemas["Zone"];
export type Kind = "line" | "zone" | "mask";

/** A shape; `key` names it on the page alone, since a mask has no identifier. */
export type Shape =
  | { key: string; kind: "line"; isNew: boolean; points: readonly Point[]; rule: Omit<Line, "points"> }
  | { key: string; kind: "zone"; isNew: boolean; points: readonly Point[]; rule: Omit<Zone, "points"> }
  | { key: string; kind: "mask"; isNew: boolean; points: readonly Point[]; rule: null };

/** Corners that a shape needs. */
export const FEWEST: Record<Kind, number> = { line: 2, zone: 3, mask: 3 };
const MOST_CORNERS = 100;

/** All shapes as the service has them. */
export function shapesOf(lines: Line[], zones: Zone[], masks: readonly (readonly Point[])[]): Shape[] {
  return [
    ...lines.map(({ points, ...rule }): Shape => ({ key: `line ${rule.id}`, kind: "line", isNew: false, points, rule })),
    ...zones.map(({ points, ...rule }): Shape => ({ key: `zone ${rule.id}`, kind: "zone", isNew: false, points, rule })),
    ...masks.map((points, number): Shape => ({ key: `mask ${number}`, kind: "mask", isNew: false, points, rule: null })),
  ];
}

export function linesOf(shapes: readonly Shape[]): Line[] {
  return shapes.flatMap((shape) =>
    shape.kind === "line" ? [{ ...shape.rule, points: shape.points.map(pair) as Line["points"] }] : [],
  );
}

export function zonesOf(shapes: readonly Shape[]): Zone[] {
  return shapes.flatMap((shape) => (shape.kind === "zone" ? [{ ...shape.rule, points: shape.points.map(pair) }] : []));
}

export function masksOf(shapes: readonly Shape[]): [number, number][][] {
  return shapes.flatMap((shape) => (shape.kind === "mask" ? [shape.points.map(pair)] : []));
}

/** A new shape, with an identifier that no other has. */
export function newShape(kind: Kind, points: readonly Point[], others: readonly Shape[]): Shape {
  const taken = new Set(others.flatMap((shape) => [shape.key, shape.rule?.id]));
  let number = 1;
  while (taken.has(`${kind}-${number}`)) number += 1;
  const key = `${kind}-${number}`;
  if (kind === "mask") return { key, kind, isNew: true, points, rule: null };
  return { key, kind, isNew: true, points, rule: { id: key } };
}

export function movePoint(shape: Shape, index: number, to: Point): Shape {
  return { ...shape, points: shape.points.map((point, number) => (number === index ? to : point)) };
}

/** The whole shape, as far as the picture goes. */
export function moveShape(shape: Shape, [byX, byY]: Point): Shape {
  const xs = shape.points.map(([x]) => x);
  const ys = shape.points.map(([, y]) => y);
  const dx = Math.min(Math.max(byX, -Math.min(...xs)), 1 - Math.max(...xs));
  const dy = Math.min(Math.max(byY, -Math.min(...ys)), 1 - Math.max(...ys));
  return { ...shape, points: shape.points.map(([x, y]): Point => [clip(x + dx), clip(y + dy)]) };
}

/** With a corner more, in the middle of the edge behind one. */
export function addPoint(shape: Shape, after: number): Shape {
  const from = shape.points[after];
  const to = shape.points[(after + 1) % shape.points.length];
  if (!from || !to || shape.points.length >= MOST_CORNERS) return shape;
  const middle: Point = [clip((from[0] + to[0]) / 2), clip((from[1] + to[1]) / 2)];
  return { ...shape, points: [...shape.points.slice(0, after + 1), middle, ...shape.points.slice(after + 1)] };
}

/** Without a corner, if enough are left. */
export function removePoint(shape: Shape, index: number): Shape {
  if (shape.points.length <= FEWEST[shape.kind]) return shape;
  return { ...shape, points: shape.points.filter((_, number) => number !== index) };
}

/** The same line, counted the other way. */
export function turnRound(shape: Shape): Shape {
  return { ...shape, points: [...shape.points].reverse() };
}

/** What people call it. */
export function nameOf(shape: Shape): string {
  return shape.rule ? shape.rule.name || shape.rule.id : "";
}

function pair([x, y]: Point): [number, number] {
  return [x, y];
}
