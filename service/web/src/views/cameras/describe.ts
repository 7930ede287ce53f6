/** What a camera does, as a word and a plain sentence. */

import { type Link, now } from "../../live/connection";
import type { CameraState } from "../../live/messages";
import type { BadgeKind } from "../../parts/Badge";
import type { Catalogue } from "../../text";
import { duration } from "../../text/format";

export interface Description {
  kind: BadgeKind;
  word: string;
  /** Empty where everything is fine. */
  sentence: string;
}

type Status = Pick<CameraState, "state" | "error_code" | "error" | "retry_at" | "last_frame_at">;

export function describe(status: Status | undefined, link: Link, text: Catalogue): Description {
  const { state: words, sentence } = text.cameras;
  if (link.status !== "open" || !status) return { kind: "off", word: words.unknown, sentence: sentence.notConnected };
  switch (status.state) {
    case "RUNNING":
      return { kind: "good", word: words.live, sentence: "" };
    case "CONNECTING":
      return {
        kind: "wait",
        word: words.connecting,
        sentence: status.error_code ? sentence.after(reasonOf(status, text)) : "",
      };
    case "STALLED": {
      const silence = silenceOf(status);
      return { kind: "wait", word: words.stalled, sentence: silence ? sentence.nothingNewFor(silence) : sentence.nothingNew };
    }
    case "BACKOFF": {
      const silence = silenceOf(status);
      const late = status.error_code === "stream_timeout" && silence;
      const reason = late ? sentence.noAnswerFor(silence) : reasonOf(status, text);
      const wait = status.retry_at ? Date.parse(status.retry_at) - now() : 0;
      return {
        kind: "bad",
        word: words.backoff,
        sentence: wait > 500 ? sentence.nextTry(reason, duration(wait)) : sentence.tryingAgain(reason),
      };
    }
    case "FAILED":
      return { kind: "bad", word: words.failed, sentence: sentence.mend(reasonOf(status, text)) };
    case "STOPPED":
      return { kind: "off", word: words.stopped, sentence: sentence.off };
  }
}

/** Why a camera cannot be read, in the viewer's language where we have words for it. */
export function reasonOf({ error_code, error }: Pick<Status, "error_code" | "error">, text: Catalogue): string {
  const reasons: Record<string, string> = text.reasons;
  return reasons[error_code ?? ""] ?? error ?? text.reasons.unknown;
}

function silenceOf({ last_frame_at }: Status): string {
  return last_frame_at ? duration(now() - Date.parse(last_frame_at)) : "";
}
