/** What of a picture is counted: all of it, a zone, a line. */

import { useAnswer } from "../../api/hooks";
import type { Catalogue } from "../../text";

export type Place = "picture" | `zone:${string}` | `line:${string}`;

/** The places of a camera, the picture first. */
export function usePlaces(stream: string): Place[] {
  const path = { stream_id: stream };
  const zones = useAnswer("/v1/streams/{stream_id}/zones", { path });
  const lines = useAnswer("/v1/streams/{stream_id}/lines", { path });
  return [
    "picture",
    ...(lines.data?.lines ?? []).map(({ id }): Place => `line:${id}`),
    ...(zones.data?.zones ?? []).map(({ id }): Place => `zone:${id}`),
  ];
}

export function ruleOf(place: Place): string {
  return place.slice(place.indexOf(":") + 1);
}

export function placeName(place: Place, text: Catalogue["numbers"]): string {
  if (place === "picture") return text.picture;
  return place.startsWith("zone:") ? text.zone(ruleOf(place)) : text.line(ruleOf(place));
}
