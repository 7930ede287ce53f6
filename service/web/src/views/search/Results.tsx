/** Who looks alike, grouped by camera: on a time line, and one by one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Badge } from "../../parts/Badge";
import { EmptyState } from "../../parts/EmptyState";
import { numberOf } from "../../parts/canvas";
import { Time } from "../../parts/Time";
import { useText } from "../../text";
import { duration, number } from "../../text/format";
import { hrefWith } from "../events/filters";
import { type Found, portrait, type Similar } from "./find";
import { TimeLine } from "./TimeLine";

interface Properties {
  found: Found;
  nameOf(stream: string): string;
  onFind(track: string): void;
}

export function Results({ found, nameOf, onFind }: Properties) {
  const text = useText();
  const [chosen, setChosen] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const groups = grouped(found.results);
  const choose = (track: string) => {
    setChosen(track);
    const card = list.current?.querySelector(`[data-track="${CSS.escape(track)}"]`);
    if (!(card instanceof HTMLElement)) return;
    card.scrollIntoView({ block: "nearest", behavior: "smooth" });
    card.focus({ preventScroll: true });
  };
  if (found.results.length === 0) {
    return <EmptyState title={text.search.nobody}>{text.search.nobodyHint(number(found.searched))}</EmptyState>;
  }
  return (
    <section class="results" aria-label={text.search.results}>
      <p role="status">
        {text.search.compared(number(found.results.length), number(found.searched))}{" "}
        {!found.complete && text.search.incomplete} <span class="quiet">{text.search.noProof}</span>
      </p>
      <TimeLine groups={groups} nameOf={nameOf} chosen={chosen} onChoose={choose} />
      <div ref={list}>
        {groups.map(([stream, tracks]) => (
          <section key={stream} aria-label={nameOf(stream)}>
            <h2>
              {nameOf(stream)} <span class="quiet">{number(tracks.length)}</span>
            </h2>
            <ul class="people">
              {tracks.map((track) => (
                <Person key={track.track} track={track} isChosen={track.track === chosen} onFind={onFind} />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </section>
  );
}

function Person({ track, isChosen, onFind }: { track: Similar; isChosen: boolean; onFind(track: string): void }) {
  const text = useText();
  const name = text.events.track(track.class_name, numberOf(track.track));
  const length = Date.parse(track.seen_at) - Date.parse(track.started_at);
  return (
    <li class={isChosen ? "card chosen" : "card"} data-track={track.track} tabIndex={-1}>
      <Portrait track={track.track} name={name} />
      <div class="said">
        <b>{text.search.alike(track.score)}</b>
        {track.likely && <Badge kind="good">{text.search.likely}</Badge>}
        <span>{name}</span>
        <span class="quiet">
          <Time at={track.started_at} /> · {duration(length)}
        </span>
        <a href={hrefWith({ track: track.track })} aria-label={text.search.eventsOf(name)}>
          {text.events.title}
        </a>
        <button type="button" class="link" aria-label={text.search.findToo(name)} onClick={() => onFind(track.track)}>
          {text.search.findThis}
        </button>
      </div>
    </li>
  );
}

/** Whom a track is of, once one scrolls to it. */
function Portrait({ track, name }: { track: string; name: string }) {
  const text = useText();
  const frame = useRef<HTMLSpanElement>(null);
  const [url, setUrl] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    const ending = new AbortController();
    let made: string | null = null;
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      portrait(track, ending.signal).then(
        (address) => {
          made = address;
          if (ending.signal.aborted && made) URL.revokeObjectURL(made);
          else setUrl(made);
        },
        (error: unknown) => {
          if (!ending.signal.aborted) throw error;
        },
      );
    });
    if (frame.current) observer.observe(frame.current);
    return () => {
      observer.disconnect();
      ending.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [track]);
  return (
    <span ref={frame} class="portrait">
      {url ? <img src={url} alt={text.search.pictureOf(name)} /> : url === null && <span class="quiet">{text.events.noPictureShort}</span>}
    </span>
  );
}

/** By camera, the camera with the best first; in each the best first. */
function grouped(results: readonly Similar[]): [string, Similar[]][] {
  const groups = new Map<string, Similar[]>();
  for (const one of results) groups.set(one.stream, [...(groups.get(one.stream) ?? []), one]);
  return [...groups];
}
