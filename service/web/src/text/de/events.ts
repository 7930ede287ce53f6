import type { Catalogue } from "..";

/** Texte der Ansicht `events`. */
export const events: Catalogue["events"] = {
  title: "Ereignisse",
};
