import type { Catalogue } from "..";

/** Texte der Ansicht `cameras`. */
export const cameras: Catalogue["cameras"] = {
  title: "Kameras",
};
