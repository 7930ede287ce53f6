import type { Catalogue } from "..";

/** Warum eine Kamera nicht gelesen werden kann; Teil eines Satzes. */
export const reasons: Catalogue["reasons"] = {
  stream_auth_failed: "falscher Benutzer oder falsches Passwort",
  stream_timeout: "keine Antwort",
  stream_not_found: "unter der Adresse gibt es keinen solchen Strom",
  stream_tls: "ihrem Zertifikat wird nicht vertraut",
  stream_codec: "ihr Video lässt sich nicht dekodieren",
  stream_ended: "der Strom endete",
  stream_corrupt: "ihr Video ist beschädigt",
  stream_refused: "ihre Adresse ist nicht erlaubt",
  reader_failed: "das Lesen schlug fehl",
  unknown: "sie lässt sich nicht lesen",
};
