import type { Catalogue } from "..";

/** Texte der Ansicht `jobs`. */
export const jobs: Catalogue["jobs"] = {
  title: "Aufträge",
};
