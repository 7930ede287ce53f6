/** Numbers while they are typed: what is no number yet stays as it was typed. */

export const NUMBERS = ["dwell", "loitering", "occupancy"] as const;
export type NumberName = (typeof NUMBERS)[number];

/** What was typed into the fields of one zone. */
export type Typed = Partial<Record<NumberName, string>>;

const LARGEST: Record<NumberName, number> = { dwell: 86_400, loitering: 86_400, occupancy: 100_000 };

/** The number of a text, with a comma or a point; null for nothing. */
export function numberFrom(text: string): number | null {
  const trimmed = text.trim().replace(",", ".");
  return trimmed === "" ? null : Number(trimmed);
}

/** Whether a text is no number that its field takes. */
export function faultOf(name: NumberName, text: string | undefined): boolean {
  const value = text === undefined ? null : numberFrom(text);
  if (value === null) return false;
  const isWhole = name !== "occupancy" || Number.isInteger(value);
  return !(value > 0 && value <= LARGEST[name] && isWhole);
}
