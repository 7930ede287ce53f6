/** Pictures and what was found in them, drawn on one canvas: of one frame, never of two. */

import type { Track } from "../live/messages";

/** Where a picture lies on a canvas, in the canvas's own pixels. */
export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Make a canvas as fine as the screen is; whether its size changed, which empties it. */
export function fitCanvas(canvas: HTMLCanvasElement): boolean {
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** The largest place in a canvas that keeps a picture's shape. */
export function placeOf(picture: { width: number; height: number }, canvas: HTMLCanvasElement): Place {
  const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { left: (canvas.width - width) / 2, top: (canvas.height - height) / 2, width, height };
}

/** Colours of tracks: each can be told from its neighbours and from most of what lies under it. */
const COLOURS = ["#38e0d0", "#ffd23f", "#ff7ab6", "#8be04e", "#ff9a3c", "#7db8ff", "#d79bff", "#f4f4f4"] as const;

/** The number of a track, `entrance:17` → `17`. */
export function numberOf(id: string): string {
  return id.slice(id.lastIndexOf(":") + 1);
}

export function colourOf(id: string): string {
  return COLOURS[Number(numberOf(id)) % COLOURS.length] ?? COLOURS[0];
}

/** Draw boxes and ids; predicted boxes are dashed. */
export function drawTracks(context: CanvasRenderingContext2D, place: Place, tracks: readonly Track[]): void {
  const line = Math.max(2, Math.round(2 * devicePixelRatio));
  const size = Math.round(12 * devicePixelRatio);
  context.lineWidth = line;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const track of tracks) {
    const [x1, y1, x2, y2] = track.box;
    const left = place.left + x1 * place.width;
    const top = place.top + y1 * place.height;
    const colour = colourOf(track.id);
    context.strokeStyle = colour;
    context.setLineDash(track.seen ? [] : [3 * line, 2 * line]);
    context.strokeRect(left, top, (x2 - x1) * place.width, (y2 - y1) * place.height);
    const number = numberOf(track.id);
    const width = context.measureText(number).width + size * 0.7;
    const height = size * 1.4;
    // Above the box, or in it where the picture ends.
    const above = top - height >= place.top ? top - height : top;
    context.fillStyle = colour;
    context.fillRect(left - line / 2, above, width, height);
    context.fillStyle = "#0a0e12";
    context.fillText(number, left - line / 2 + size * 0.35, above + height / 2);
  }
  context.setLineDash([]);
}
