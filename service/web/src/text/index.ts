/** All texts of the page, in the viewer's language. */

import { useEffect, useState } from "preact/hooks";
import { en } from "./en";

/** English is the measure: a text that another language lacks does not compile. */
export type Catalogue = typeof en;

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "sightline-language";
const listeners = new Set<() => void>();
let language: Language = "en";
let catalogue: Catalogue = en;

/** The texts; the component is drawn anew when the language changes. */
export function useText(): Catalogue {
  const [, draw] = useState({});
  useEffect(() => {
    const listener = () => draw({});
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return catalogue;
}

export function currentLanguage(): Language {
  return language;
}

/** The texts as they stand, for what is no component. */
export function currentText(): Catalogue {
  return catalogue;
}

/** Show everything in a language, here and when the page is opened again. */
export async function choose(wanted: Language): Promise<void> {
  localStorage.setItem(KEY, wanted);
  await speak(wanted);
}

/** The language that was chosen, else the browser's first that we have. */
export async function speakAsChosen(): Promise<void> {
  const wishes = [localStorage.getItem(KEY) ?? "", ...navigator.languages];
  const found = wishes.map((wish) => wish.slice(0, 2)).find((wish): wish is Language => wish in LANGUAGES);
  await speak(found ?? "en");
}

async function speak(wanted: Language): Promise<void> {
  // The other language is its own file: who reads English does not load it.
  catalogue = wanted === "de" ? (await import("./de")).de : en;
  language = wanted;
  document.documentElement.lang = wanted;
  for (const listener of [...listeners]) listener();
}
