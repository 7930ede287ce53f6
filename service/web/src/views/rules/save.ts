/** Saves what is drawn: only the kinds that changed, since each is replaced as a whole. */

import { put, type Problem } from "../../api/client";
import { faultsOf } from "./check";
import { type Kind, linesOf, masksOf, type Shape, zonesOf } from "./shapes";

/** Save what differs from what the service has.
 *
 * @returns The shapes as they are kept now.
 * @throws Problem if one kind is refused; those before it are kept.
 */
export async function save(stream: string, shapes: readonly Shape[], saved: readonly Shape[]): Promise<Shape[]> {
  const path = { stream_id: stream };
  const isChanged = (of: (shapes: readonly Shape[]) => unknown) => JSON.stringify(of(shapes)) !== JSON.stringify(of(saved));
  if (isChanged(masksOf)) await put("/v1/streams/{stream_id}/masks", { path, body: { masks: masksOf(shapes) } });
  // An identifier may have gone from a line to a zone: what is taken away goes first.
  const zones = zonesOf(shapes);
  const before = new Set(zonesOf(saved).map(({ id }) => id));
  const putZones = () => put("/v1/streams/{stream_id}/zones", { path, body: { zones } });
  const putLines = () => put("/v1/streams/{stream_id}/lines", { path, body: { lines: linesOf(shapes) } });
  const order = linesOf(shapes).some(({ id }) => before.has(id))
    ? ([[zonesOf, putZones], [linesOf, putLines]] as const)
    : ([[linesOf, putLines], [zonesOf, putZones]] as const);
  for (const [of, putThem] of order) if (isChanged(of)) await putThem();
  return shapes.map((shape) => ({ ...shape, isNew: false }));
}

/** Which shapes a refusal is about. */
export function refused(problem: Problem, shapes: readonly Shape[]): Map<string, string> {
  const of = (kind: Kind) => shapes.filter((shape) => shape.kind === kind);
  const areas = problem.errors.some(({ field }) => field.includes("masks")) ? of("mask") : of("zone");
  return faultsOf(problem, of("line"), areas);
}
