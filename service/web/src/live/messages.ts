/** What comes over the live connection (docs/live.md). */

import type { Schemas } from "../api/client";

/** Something that happened; which pictures are kept of it is not known yet. */
export type LiveEvent = Omit<Schemas["EventAnswer"], "pictures">;

/** Who is where in one frame. */
export type Frame = Schemas["TracksNow"] & { tracks: Track[] };
export type Track = Schemas["TrackNow"];

/** What a camera does. */
export type CameraState = Pick<
  Schemas["StatusAnswer"],
  "state" | "since" | "error_code" | "error" | "retry_at" | "attempts" | "fps" | "width" | "height" | "last_frame_at"
> & { stream: string; now: string };

/** A JPEG and the boxes that were found in this very frame. */
export interface Picture {
  frame: Frame;
  jpeg: Blob;
}

export type Message =
  | ({ type: "event" } & LiveEvent)
  | ({ type: "state" } & CameraState)
  | ({ type: "tracks" } & Frame)
  | { type: "removed"; stream: string }
  | { type: "subscribed"; topics: string[] }
  | { type: "error"; code: string; detail: string };

/** The parts of a binary message: 4 bytes, the length of the JSON; the JSON; the JPEG. */
export function readPicture(data: ArrayBuffer): Picture {
  const length = new DataView(data).getUint32(0);
  const frame = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))) as Frame;
  return { frame, jpeg: new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }) };
}
