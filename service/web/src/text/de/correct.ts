import type { Catalogue } from "..";

/** Texte der Ansicht `correct`. */
export const correct: Catalogue["correct"] = {
  title: "Korrektur",
};
