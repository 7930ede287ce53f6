import type { Catalogue } from "..";

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** Texte der Ansicht `rules`. */
export const rules: Catalogue["rules"] = {
  title: "Regeln",
  noCamera: "Es gibt noch keine Kamera",
  addCamera: "Kamera hinzufügen",
  tools: "Werkzeuge",
  tool: { line: "Linie", zone: "Zone", mask: "Maske" },
  undo: "Rückgängig",
  redo: "Wiederholen",
  done: "Fertig",
  picture: "Bild der Kamera mit dem, was eingezeichnet ist",
  draw: {
    line: "Am Anfang der Linie drücken und am Ende loslassen, oder beide Enden antippen. Mit der Tastatur: Pfeile bewegen das Kreuz, Enter setzt ein Ende.",
    zone: "Die Ecken nacheinander antippen, zum Schluss die erste. Mit der Tastatur: Pfeile bewegen das Kreuz, Enter setzt eine Ecke, zweimal Enter beendet.",
    mask: "Die Ecken dessen antippen, was niemand sehen darf, zum Schluss die erste. Mit der Tastatur: Pfeile bewegen das Kreuz, Enter setzt eine Ecke, zweimal Enter beendet.",
  },
  cornerSet: (count, [x, y]) => `Punkt ${count}: ${percent(x)} von links, ${percent(y)} von oben`,
  corner: (count, [x, y], canGo) =>
    `Punkt ${count}, ${percent(x)} von links, ${percent(y)} von oben; Pfeile bewegen ihn${canGo ? ", Entf entfernt ihn" : ""}`,
  addCorner: (count) => `Neue Ecke hinter Ecke ${count}`,
  inwards: "ein",
  shape: {
    line: (name) => `Linie ${name}`,
    zone: (name) => `Zone ${name}`,
    mask: () => "Maske",
  },
  drawn: "In diesem Bild",
  nothingDrawn:
    "Noch ist nichts eingezeichnet. Linie zählt, wer vorbeigeht; Zone beobachtet eine Fläche; Maske verbirgt eine.",
  notSaved: "Die Änderungen sind noch nicht gespeichert.",
  noPicture: "Die Kamera liefert gerade kein Bild. Die Zeichnung lässt sich trotzdem ändern.",
  saved: "Gespeichert. Die Regeln gelten ab jetzt.",
  unfinished: (name) => `Nicht gespeichert: Ein Feld von ${name} passt noch nicht.`,
  name: "Name",
  identifier: "Kennung",
  identifierHint: "So heißt sie in Ereignissen, Zählungen und Meldungen; nach dem Speichern bleibt sie.",
  identifierFault: "Buchstaben, Ziffern, - und _, zuerst ein Buchstabe oder eine Ziffer, höchstens 64.",
  identifierTaken: "Eine andere Linie oder Zone hat diese Kennung.",
  anchor: "Punkt einer Person, der zählt",
  anchors: {
    bottom_centre: "Füße",
    centre: "Mitte",
    top_centre: "Kopf",
    left_centre: "linke Seite",
    right_centre: "rechte Seite",
  },
  dwell: {
    label: "Aufenthalt melden ab",
    hint: "Sekunden eines Besuchs.",
    fault: "Eine Zahl von Sekunden über 0, höchstens 86400.",
  },
  loitering: {
    label: "Herumlungern melden ab",
    hint: "Sekunden über mehrere Besuche mit kurzen Pausen.",
    fault: "Eine Zahl von Sekunden über 0, höchstens 86400.",
  },
  occupancy: {
    label: "Als voll melden ab",
    hint: "Personen zugleich in der Zone.",
    fault: "Eine ganze Zahl über 0, höchstens 100000.",
  },
  turnRound: "Richtung umkehren",
  remove: "Entfernen",
  maskHint: "Schwarz, bevor irgendetwas ausgewertet wird, in jedem Bild, Clip und Schnappschuss.",
  never: {
    too_short: () => "Sie kann nie zählen: Sie ist zu kurz. Bitte länger zeichnen.",
    out_of_reach: (anchor) =>
      `Sie kann nie etwas melden: Der Punkt, der zählt (${anchor}), kommt bei niemandem im Bild dorthin. Bitte verschieben, vergrößern oder einen anderen Punkt wählen.`,
    no_room_left: (anchor) =>
      `Sie kann nie zählen: Links von ihr ist kein Platz für den Punkt, der zählt (${anchor}), dort endet das Bild. Bitte ins Bild verschieben.`,
    no_room_right: (anchor) =>
      `Sie kann nie zählen: Rechts von ihr ist kein Platz für den Punkt, der zählt (${anchor}), dort endet das Bild. Bitte ins Bild verschieben.`,
  },
  neverShort: "meldet nie",
  neverCount: (count) => (count === 1 ? "Eine Regel kann nie etwas melden" : `${count} Regeln können nie etwas melden`),
  fault: (message) => `So lässt sich das nicht speichern: ${message}`,
  faultShort: "passt nicht",
  preview: "Was gezählt worden wäre",
  previewHint: "Wendet die Zeichnung, gespeichert oder nicht, auf die zuletzt aufgezeichneten Spuren an.",
  span: "Von den aufgezeichneten Spuren",
  lastSpan: (span) => `die letzten ${span}`,
  tryOut: "Ausprobieren",
  trying: "Läuft …",
  nothingToTry: "Bitte zuerst eine Linie oder Zone zeichnen.",
  nothingRecorded:
    "Von dieser Kamera sind noch keine Spuren aufgezeichnet. Bitte eine Minute laufen lassen und erneut versuchen.",
  outdated: "Die Zeichnung hat sich seitdem geändert. Bitte erneut ausprobieren.",
  play: "Abspielen",
  pause: "Anhalten",
  again: "Noch einmal",
  moment: "Zeitpunkt",
  speed: "Tempo",
  times: (speed) => `${speed} ×`,
  tried: (from, to, frames, tracks) => `${from} bis ${to}: ${frames} Bilder, ${tracks} Spuren.`,
  rule: "Regel",
  what: "Was",
  direction: "Richtung",
  count: "Wie oft",
  countedNothing: (names) => `Nichts gemeldet hätten: ${names}.`,
};
