/** Times as `<input type="datetime-local">` has them: in the viewer's zone, to the minute. */

/** The service's time for a field. */
export function toLocal(time: string): string {
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What a field holds for the service; null where it is empty. */
export function fromLocal(value: string): string | null {
  const at = new Date(value);
  return value && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
