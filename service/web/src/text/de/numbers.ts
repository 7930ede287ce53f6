import type { Catalogue } from "..";

/** Texte der Ansicht `numbers`. */
export const numbers: Catalogue["numbers"] = {
  title: "Zahlen",
};
