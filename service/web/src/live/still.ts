/** A camera's picture as an address for `<img>` and `<image>`, with the boxes of that very frame. */

import { useEffect, useRef, useState } from "preact/hooks";
import { usePictures } from "./hooks";
import type { PictureWish } from "./connection";
import type { Frame, Picture } from "./messages";

/** What is shown: the picture, its size, and who is where in it. */
export interface Still {
  url: string;
  jpeg: Blob;
  frame: Frame;
}

/** The newest picture of a camera; none until one comes.
 *
 * @param wish null keeps the last one as it is.
 */
export function useStill(stream: string, wish: PictureWish | null): Still | null {
  const [still, setStill] = useState<Still | null>(null);
  const shown = useRef<string | null>(null);
  const show = (next: Still | null) => {
    if (shown.current !== null) URL.revokeObjectURL(shown.current);
    shown.current = next?.url ?? null;
    setStill(next);
  };
  usePictures(stream, wish, ({ frame, jpeg }: Picture) => show({ url: URL.createObjectURL(jpeg), jpeg, frame }));
  useEffect(() => {
    show(null);
    return () => show(null);
  }, [stream]);
  return still?.frame.stream === stream ? still : null;
}
