import type { Catalogue } from "..";

/** Texte des Rahmens um jede Ansicht. */
export const shell: Catalogue["shell"] = {
  skip: "Zum Inhalt",
  navigation: "Ansichten",
  language: "Sprache",
  logOut: "Abmelden",
  connected: "Verbunden",
  connecting: "Verbinden …",
  lost: "Nicht verbunden",
  noAnswer: (wait) =>
    `Der Dienst antwortet nicht. Nächster Versuch in ${wait}; die Anzeige ist von vorher, Eingaben bleiben.`,
  tryingAgain: "Der Dienst antwortet nicht. Neuer Versuch jetzt; die Anzeige ist von vorher, Eingaben bleiben.",
  tryNow: "Jetzt versuchen",
  stillLoggedIn: (why) => `Sie sind noch angemeldet: ${why}`,
  loading: "Laden …",
  notLoaded: "Dieser Teil der Seite ließ sich nicht laden. Der Dienst wurde vielleicht erneuert oder ist nicht erreichbar.",
  reload: "Seite neu laden",
  noView: "Diese Ansicht gibt es nicht",
  noViewHint: "Die Adresse ist vielleicht vertippt, oder Ihr Schlüssel darf das nicht sehen.",
  configured: "Zugangswort der Konfiguration",
  role: { viewer: "Betrachter", operator: "Bediener", admin: "Verwalter" },
};
