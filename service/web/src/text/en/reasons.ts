/** Why a camera cannot be read, by the service's code; part of a sentence. */

export const reasons = {
  stream_auth_failed: "wrong user name or password",
  stream_timeout: "no answer",
  stream_not_found: "there is no such stream at its address",
  stream_tls: "its certificate is not trusted",
  stream_codec: "its video cannot be decoded",
  stream_ended: "the stream ended",
  stream_corrupt: "its video is damaged",
  stream_refused: "its address is not allowed",
  reader_failed: "reading it failed",
  unknown: "it cannot be read",
};
