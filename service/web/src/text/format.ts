/** Numbers and times as the viewer's language, country and zone write them. */

import { currentLanguage } from ".";

/** The browser's own kind of the language that was chosen: 24 hours in en-GB, 12 in en-US. */
function locale(): string {
  const language = currentLanguage();
  return navigator.languages.find((one) => one.startsWith(language)) ?? language;
}

export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(locale(), options).format(value);
}

export function percent(share: number, digits = 0): string {
  return number(share, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A size in bytes, KB, MB … of 1000. */
export function bytes(value: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return number(value / 1_000 ** step, {
    style: "unit",
    unit: units[step] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: value < 1_000 ? 0 : 1,
  });
}

/** How long something lasts, in its largest fitting unit: 45 s, 3 min, 2 h, 5 days. */
export function duration(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds / 1_000));
  // The signs of these units are the same in every language.
  if (whole < 120) return seconds(whole);
  if (whole < 7_200) return `${number(Math.round(whole / 60))}\u00a0min`;
  if (whole < 172_800) return `${number(Math.round(whole / 3_600))}\u00a0h`;
  return number(Math.round(whole / 86_400), { style: "unit", unit: "day", unitDisplay: "long" });
}

/** Seconds with so many digits behind the point. */
export function seconds(value: number, digits = 0): string {
  return `${number(value, { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u00a0s`;
}

/** A time in the viewer's zone; today's without its day. */
export function clock(time: string | number | Date): string {
  const at = new Date(time);
  const today = at.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(locale(), {
    ...(today ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(at);
}

/** A time in full, with its zone. */
export function fullTime(time: string | number | Date): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeStyle: "long" }).format(new Date(time));
}
