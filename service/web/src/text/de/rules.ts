import type { Catalogue } from "..";

/** Texte der Ansicht `rules`. */
export const rules: Catalogue["rules"] = {
  title: "Regeln",
};
