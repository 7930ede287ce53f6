import { useEffect, useRef, useState } from "preact/hooks";
import { usePictures } from "../live/hooks";
import type { Frame, Picture } from "../live/messages";
import { useText } from "../text";
import { drawTracks, fitCanvas, placeOf } from "./canvas";

interface Properties {
  stream: string;
  name: string;
  /** Most pictures a second. */
  fps: number;
  /** Whether pictures are wanted at all. */
  on?: boolean;
  /** Whether boxes and ids are drawn. */
  boxes?: boolean;
  /** Told of each frame that was drawn. */
  onDrawn?(frame: Frame): void;
}

/** Widths that the service makes pictures in (docs/live.md). */
const WIDTHS = [320, 480, 640, 960, 1280, 1920];

/** A camera's picture with what was found in it, both of the same frame, on one canvas.
 *
 * Pictures are asked for only while the canvas can be seen, and not larger than it is. One is decoded
 * at a time, and of those that come meanwhile the last: a slow machine shows fewer, never older ones.
 */
export function LivePicture({ stream, name, fps, on = true, boxes = true, onDrawn }: Properties) {
  const text = useText();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<{ width: number; visible: boolean }>({ width: 0, visible: false });
  const shown = useRef<{ bitmap: ImageBitmap; frame: Frame } | null>(null);
  const waiting = useRef<Picture | null>(null);
  const decoding = useRef(false);
  const alive = useRef(true);

  const draw = () => {
    const target = canvas.current;
    const context = target?.getContext("2d");
    if (!target || !context || !shown.current) return;
    const { bitmap, frame } = shown.current;
    if (!fitCanvas(target)) context.clearRect(0, 0, target.width, target.height);
    const place = placeOf(bitmap, target);
    context.drawImage(bitmap, place.left, place.top, place.width, place.height);
    if (boxes) drawTracks(context, place, frame.tracks);
    target.dataset.sequence = String(frame.sequence);
  };

  const decode = async () => {
    decoding.current = true;
    for (let picture = waiting.current; picture; picture = waiting.current) {
      waiting.current = null;
      // A picture that was cut short on its way is one less.
      const bitmap = await createImageBitmap(picture.jpeg).catch(() => null);
      if (!bitmap) continue;
      if (!alive.current) {
        bitmap.close();
        break;
      }
      // Bitmaps are memory that is not tidied by itself in time.
      shown.current?.bitmap.close();
      shown.current = { bitmap, frame: picture.frame };
      draw();
      onDrawn?.(picture.frame);
    }
    decoding.current = false;
  };

  const width = WIDTHS.find((one) => one >= size.width) ?? 1920;
  usePictures(stream, on && size.visible && size.width > 0 ? { fps, width } : null, (picture) => {
    waiting.current = picture;
    if (!decoding.current) void decode();
  });

  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    alive.current = true;
    const measure = () => setSize((old) => ({ ...old, width: Math.round(target.clientWidth * devicePixelRatio) }));
    const seen = new IntersectionObserver(([change]) => {
      if (change) setSize((old) => ({ ...old, visible: change.isIntersecting }));
    });
    const sized = new ResizeObserver(() => {
      measure();
      newest.current();
    });
    seen.observe(target);
    sized.observe(target);
    return () => {
      alive.current = false;
      seen.disconnect();
      sized.disconnect();
      shown.current?.bitmap.close();
      shown.current = null;
      waiting.current = null;
    };
  }, [stream]);

  const newest = useRef(draw);
  newest.current = draw;
  useEffect(draw, [boxes]);

  return <canvas ref={canvas} class="live" role="img" aria-label={text.parts.livePicture(name)} />;
}
