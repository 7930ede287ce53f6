/** Asks who looks like somebody: like a track, or like whoever is in a picture. */

import { ask, addressOf, post, Problem, type Schemas } from "../../api/client";
import { upload } from "../../api/upload";

export type Found = Schemas["SearchAnswer"];
export type Similar = Schemas["SimilarTrack"];
export type Box = readonly [number, number, number, number];

/** Whom to look for. */
export type Wanted =
  | { track: string }
  /** `url` shows the picture; without a box the largest person in it is meant. */
  | { picture: Blob; url: string; box: Box | null };

export interface Within {
  stream: string;
  begin: string;
  end: string;
}

const MOST = 60;

/** The tracks that are most alike.
 *
 * @throws Problem if it is refused.
 */
export async function find(wanted: Wanted, within: Within, signal: AbortSignal): Promise<Found> {
  const query = {
    stream: within.stream ? [within.stream] : null,
    begin: time(within.begin),
    end: time(within.end),
    limit: MOST,
  };
  if ("track" in wanted) return post("/v1/search", { query, body: { track: wanted.track }, signal });
  const box = wanted.box?.map((side) => side.toFixed(4)).join(",") ?? null;
  const sending = upload<Found>(addressOf("/v1/search", { query: { ...query, box } }), wanted.picture, () => undefined);
  signal.addEventListener("abort", sending.cancel);
  return sending.done;
}

/** A picture of a track as an address to be revoked; null where none is kept. */
export async function portrait(track: string, signal: AbortSignal): Promise<string | null> {
  const address = addressOf("/v1/tracks/{track_id}/picture.jpg", { path: { track_id: track } });
  try {
    return URL.createObjectURL(await (await ask("GET", address, { signal })).blob());
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

function time(value: string): string | null {
  const at = new Date(value);
  return value && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
