import type { Catalogue } from "..";

/** Was geschieht, nach dem Namen, den der Dienst der Art gibt. */
export const kinds: Catalogue["kinds"] = {
  line_cross: "Linie überquert",
  zone_enter: "Zone betreten",
  zone_exit: "Zone verlassen",
  zone_dwell: "In einer Zone geblieben",
  loitering: "Herumstehen",
  occupancy: "Zone voll oder wieder frei",
  track_start: "Ins Bild gekommen",
  track_end: "Aus dem Bild gegangen",
  transit: "Von Kamera zu Kamera gegangen",
  stream_state: "Zustand einer Kamera",
};
