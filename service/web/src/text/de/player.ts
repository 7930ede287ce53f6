import type { Catalogue } from "..";

/** Texte des Abspielers von Aufträgen und seiner Liste von Spuren. */
export const player: Catalogue["player"] = {
  screen: "Video mit seinen Spuren; Leertaste spielt ab, Pfeiltasten gehen Bild für Bild",
  play: "Abspielen",
  pause: "Anhalten",
  before: "Ein Bild zurück",
  after: "Ein Bild weiter",
  time: "Stelle im Video",
  speed: "Geschwindigkeit",
  copying:
    "Dieser Browser kann die Datei nicht abspielen, wie sie gesendet wurde. Eine Kopie, die er abspielen kann, wird gemacht; das dauert etwa so lange wie das Lesen des Videos.",
  copyingBlurred:
    "Eine Kopie, in der Personen unkenntlich sind, wird gemacht; das dauert etwa so lange wie das Lesen des Videos.",
  copied: "Dieser Browser kann die Datei nicht abspielen, wie sie gesendet wurde; dies ist eine Kopie.",
  tracks: "Spuren",
  count: (count: string) => `Spuren: ${count}`,
  find: "Nummer",
  noTrack: "Keine Spur hat eine solche Nummer.",
  more: "Mehr zeigen",
};
