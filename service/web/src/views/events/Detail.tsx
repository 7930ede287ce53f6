/** One event: its picture with the way of who did it, its clip, and where to go from there. */

import { useEffect, useState } from "preact/hooks";
import { addressOf } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import type { RuleName } from "../../api/rules";
import { useStates } from "../../live/hooks";
import { Dialog } from "../../parts/Dialog";
import { Notice } from "../../parts/Notice";
import { Path } from "../../parts/Path";
import { Surface } from "../../parts/Surface";
import { useText } from "../../text";
import { clock, duration, fullTime } from "../../text/format";
import { hrefOf } from "../../routes";
import { hrefWith } from "./filters";
import { type Event, useWithPictures } from "./list";
import { describe } from "./words";

interface Properties {
  event: Event;
  rules: readonly RuleName[];
  cameraName: string;
  onClose(): void;
}

export function Detail({ event: opened, rules, cameraName, onClose }: Properties) {
  const text = useText();
  const event = useWithPictures(opened);
  const path = { event_id: event.id };
  const has = (picture: Event["pictures"][number]) => event.pictures.includes(picture);
  const [isOver, setOver] = useState(false);
  // Somebody who is still there goes on; the service notes where every ten seconds.
  const track = useAnswer(
    event.track ? "/v1/tracks/{track_id}" : null,
    { path: { track_id: event.track ?? "" } },
    isOver ? {} : { every: 5_000 },
  );
  useEffect(() => setOver(track.data?.ended ?? false), [track.data?.ended]);
  return (
    <Dialog wide title={describe(event, rules, text)} onClose={onClose}>
      <p>
        {cameraName} · <time dateTime={event.time}>{fullTime(event.time)}</time>
        {track.data &&
          ` · ${text.events.inView(clock(track.data.started_at), duration(Date.parse(track.data.seen_at) - Date.parse(track.data.started_at)))}`}
      </p>
      <div class="event-pictures">
        <Picture event={event} places={track.data?.path ?? []} />
        {has("clip") && (
          <video
            controls
            muted
            playsInline
            preload="metadata"
            aria-label={text.events.clip}
            src={addressOf("/v1/events/{event_id}/clip.mp4", { path })}
          />
        )}
        {has("strip") && <Strip event={event} />}
      </div>
      {track.problem?.status === 404 && <Notice>{text.events.trackGone}</Notice>}
      <div class="actions">
        {event.track && (
          <>
            <a class="button first" href={`${hrefOf("search")}?track=${encodeURIComponent(event.track)}`}>
              {text.events.findPerson}
            </a>
            <a class="button" href={hrefWith({ track: event.track })} onClick={onClose}>
              {text.events.allOfTrack}
            </a>
          </>
        )}
        <a class="button" href={hrefOf("cameras", event.stream)}>
          {text.events.toCamera}
        </a>
      </div>
    </Dialog>
  );
}

/** The picture with the way over it: that of the event, else what the camera shows now. */
function Picture({ event, places }: { event: Event; places: readonly Place[] }) {
  const text = useText();
  const state = useStates().get(event.stream);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [failed, setFailed] = useState(false);
  const isKept = event.pictures.includes("snapshot");
  const url = isKept
    ? addressOf("/v1/events/{event_id}/snapshot.jpg", { path: { event_id: event.id } })
    : addressOf("/v1/streams/{stream_id}/snapshot.jpg", { path: { stream_id: event.stream }, query: { raw: "yes" } });
  const isShown = !failed && (isKept || state?.state === "RUNNING");
  if (!isShown && places.length === 0) return <p class="quiet">{text.events.noPicture}</p>;
  const { width, height } = size ?? { width: state?.width || 1280, height: state?.height || 720 };
  return (
    <figure>
      {/* Its size is that of the picture, which is known once it is there. */}
      {isShown && (
        <img
          class="unseen"
          alt=""
          src={url}
          onLoad={({ currentTarget: image }) => setSize({ width: image.naturalWidth, height: image.naturalHeight })}
          onError={() => setFailed(true)}
        />
      )}
      <Surface url={isShown ? url : null} width={width} height={height} label={text.events.picture(places.length > 0)}>
        {(scale) => (
          <>
            {places.length > 0 && <Path boxes={places.map(({ box }) => box)} at={nearest(places, event.decided)} scale={scale} />}
            {event.position && (
              <circle
                class="where"
                cx={event.position[0] * width}
                cy={event.position[1] * height}
                r={12 * scale.unit}
              />
            )}
          </>
        )}
      </Surface>
      <figcaption class="quiet">
        {isKept ? text.events.pictureOf(clock(event.decided)) : isShown ? text.events.pictureOfNow : text.events.noPicture}
        {places.length > 0 && ` ${text.events.way}`}
      </figcaption>
    </figure>
  );
}

interface Place {
  time: string;
  box: [number, number, number, number];
}

/** Some moments around an event, side by side. */
export function Strip({ event }: { event: Event }) {
  const text = useText();
  const address = addressOf("/v1/events/{event_id}/strip.jpg", { path: { event_id: event.id } });
  // Its size is a guess for as long as it is not there, so that nothing jumps when it is.
  return <img class="strip" src={address} alt={text.events.strip} width={1000} height={150} loading="lazy" decoding="async" />;
}

/** The place at which it was at a moment, if one is within a second. */
function nearest(places: readonly Place[], time: string): number | null {
  const at = Date.parse(time);
  const distances = places.map((place) => Math.abs(Date.parse(place.time) - at));
  const least = Math.min(...distances);
  return least <= 1_000 ? distances.indexOf(least) : null;
}
