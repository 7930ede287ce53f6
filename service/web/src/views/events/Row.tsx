/** One event of the list: a strip of pictures, what happened, where and when. */

import { addressOf } from "../../api/client";
import type { RuleName } from "../../api/rules";
import { numberOf } from "../../parts/canvas";
import { Time } from "../../parts/Time";
import { useText } from "../../text";
import { Strip } from "./Detail";
import type { Event } from "./list";
import { describe } from "./words";

interface Properties {
  event: Event;
  rules: readonly RuleName[];
  cameraName: string;
  onOpen(event: Event): void;
}

export function Row({ event, rules, cameraName, onOpen }: Properties) {
  const text = useText();
  return (
    <li>
      <button type="button" class="event" onClick={() => onOpen(event)}>
        <span class="pictures">
          <Pictures event={event} />
        </span>
        <span class="what">{describe(event, rules, text)}</span>
        <span class="quiet where">
          {cameraName}
          {event.track && ` · ${text.events.track(event.class_name ?? "", numberOf(event.track))}`}
        </span>
        <span class="quiet when">
          <Time at={event.time} />
        </span>
      </button>
    </li>
  );
}

function Pictures({ event }: { event: Event }) {
  const text = useText();
  if (event.pictures.includes("strip")) return <Strip event={event} />;
  if (!event.pictures.includes("snapshot")) return <span class="none">{text.events.noPictureShort}</span>;
  const address = addressOf("/v1/events/{event_id}/snapshot.jpg", { path: { event_id: event.id } });
  // The part of it that is shown is the one where it happened.
  const [x, y] = event.position ?? [0.5, 0.5];
  return (
    <img
      class="single"
      style={{ objectPosition: `${x * 100}% ${y * 100}%` }}
      src={address}
      alt={text.events.snapshot}
      loading="lazy"
      decoding="async"
    />
  );
}
