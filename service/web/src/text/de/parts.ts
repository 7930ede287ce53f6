import type { Catalogue } from "..";

/** Texte von Teilen, die jede Ansicht braucht. */
export const parts: Catalogue["parts"] = {
  camera: "Kamera",
  close: "Schließen",
  cancel: "Abbrechen",
  save: "Speichern",
  actions: "Aktionen",
  optional: "freiwillig",
  next: "Weiter",
  previous: "Zurück",
  retry: "Erneut versuchen",
  failed: "Das ging nicht",
  noAnswer: "Der Dienst antwortet nicht. Keine Eingabe geht verloren; bitte erneut versuchen.",
  tooMany: (wait) => `Zu viele Versuche. Bitte in ${wait} erneut versuchen.`,
  livePicture: (name) => `Livebild von ${name}`,
};
