import type { Catalogue } from "..";

/** Texte der Ansicht `search`. */
export const search: Catalogue["search"] = {
  title: "Suche",
};
