/** Heat and arrows on a picture, legible without colours: brighter is longer, thicker is more. */

import type { Schemas } from "../../api/client";

// From dark to bright, so that a grey print keeps the order.
const RAMP = [
  [64, 20, 110],
  [170, 40, 100],
  [240, 110, 40],
  [255, 240, 140],
] as const;
const LEAST_ALPHA = 0.25;
const MOST_ALPHA = 0.85;
const ARROWS = 90;

/** Colour the places where somebody stood. */
export function drawHeat(context: CanvasRenderingContext2D, seconds: readonly (readonly number[])[]): void {
  const rows = seconds.length;
  const columns = seconds[0]?.length ?? 0;
  const most = topOf(seconds.flat());
  if (most === 0) return;
  const small = new OffscreenCanvas(columns, rows);
  const surface = small.getContext("2d");
  if (!surface) return;
  const image = surface.createImageData(columns, rows);
  seconds.forEach((row, y) =>
    row.forEach((value, x) => {
      if (value <= 0) return;
      // Its root: somebody who sat all day must not hide all others.
      const share = Math.min(Math.sqrt(value / most), 1);
      const [red, green, blue] = colourAt(share);
      image.data.set([red, green, blue, 255 * (LEAST_ALPHA + (MOST_ALPHA - LEAST_ALPHA) * share)], 4 * (y * columns + x));
    }),
  );
  surface.putImageData(image, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, context.canvas.width, context.canvas.height);
}

/** Draw the ways that are gone most; an arrow is as long as its way in a second. */
export function drawArrows(context: CanvasRenderingContext2D, arrows: readonly Schemas["ArrowAnswer"][]): void {
  const { width, height } = context.canvas;
  const shown = arrows.slice(0, ARROWS);
  const most = Math.max(1, ...shown.map(({ tracks }) => tracks));
  const cell = width / 16;
  for (const { x, y, dx, dy, tracks } of shown) {
    const way = Math.hypot(dx * width, dy * height);
    if (way === 0) continue;
    const length = Math.min(Math.max(way, cell * 0.35), cell * 0.9);
    const weight = 2 + 7 * Math.sqrt(tracks / most);
    const angle = Math.atan2(dy * height, dx * width);
    context.save();
    context.translate(x * width, y * height);
    context.rotate(angle);
    // Beside its middle, so that two that go through one place stand side by side.
    context.translate(-length / 2, cell * 0.14);
    for (const [colour, more] of [["#000000", 4], ["#ffffff", 0]] as const) {
      context.strokeStyle = colour;
      context.lineWidth = weight + more;
      context.lineCap = "round";
      context.lineJoin = "round";
      const head = Math.max(weight * 1.6, 9);
      context.beginPath();
      context.moveTo(0, 0);
      context.lineTo(length, 0);
      context.moveTo(length - head, -head * 0.7);
      context.lineTo(length, 0);
      context.lineTo(length - head, head * 0.7);
      context.stroke();
    }
    context.restore();
  }
}

/** Nearly the most: one cell in which somebody slept does not set the measure. */
function topOf(values: readonly number[]): number {
  const ordered = values.filter((value) => value > 0).sort((one, other) => one - other);
  return ordered[Math.floor(0.98 * (ordered.length - 1))] ?? 0;
}

function colourAt(share: number): [number, number, number] {
  const place = share * (RAMP.length - 1);
  const low = RAMP[Math.floor(place)] ?? RAMP[0];
  const high = RAMP[Math.min(Math.floor(place) + 1, RAMP.length - 1)] ?? RAMP[0];
  const part = place - Math.floor(place);
  const mix = (at: 0 | 1 | 2) => low[at] + (high[at] - low[at]) * part;
  return [mix(0), mix(1), mix(2)];
}
