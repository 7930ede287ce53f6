import type { Catalogue } from "..";

/** Texte der Ansicht `login`. */
export const login: Catalogue["login"] = {
  title: "Anmelden",
  explanation: "Melden Sie sich mit einem Zugangsschlüssel an. Der des Verwalters wurde beim ersten Start des Dienstes ausgegeben; weitere entstehen unter Verwaltung oder mit",
  token: "Zugangsschlüssel",
  submit: "Anmelden",
  missing: "Bitte einen Schlüssel eingeben.",
  unknown: "Dieser Schlüssel ist unbekannt oder wurde widerrufen.",
  tooMany: "Zu viele Versuche. Bitte eine Minute warten und erneut versuchen.",
  noAnswer: "Der Dienst antwortet nicht. Läuft er?",
  loggedOut: "Sie sind abgemeldet.",
  expired: "Die Anmeldung ist abgelaufen. Melden Sie sich erneut an, dann geht es weiter; Ihre Eingaben sind noch da.",
};
