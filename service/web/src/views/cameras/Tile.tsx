import { useState } from "preact/hooks";
import type { Camera } from "../../live/cameras";
import { type Link, now } from "../../live/connection";
import type { CameraState } from "../../live/messages";
import { Badge } from "../../parts/Badge";
import { LivePicture } from "../../parts/LivePicture";
import { hrefOf } from "../../routes";
import { useText } from "../../text";
import { number, seconds } from "../../text/format";
import { describe } from "./describe";
import { countOf, type Heard, rateOf } from "./heard";

interface Properties {
  camera: Camera;
  status: CameraState | undefined;
  heard: Heard | undefined;
  link: Link;
}

const FPS = 5;

/** One camera of the wall. */
export function Tile({ camera, status, heard, link }: Properties) {
  const text = useText();
  const [seen, setSeen] = useState(false);
  const { kind, word, sentence } = describe(status, link, text);
  const live = kind === "good";
  const { people, others } = live && heard ? countOf(heard) : { people: 0, others: 0 };
  const said = `${word}${sentence && `, ${sentence}`}`;
  const instead = live ? (seen ? "" : text.cameras.waiting) : sentence || word;
  return (
    <li class={live ? "tile" : "tile old"}>
      <a class="view" href={hrefOf("cameras", camera.id)} aria-label={text.cameras.open(camera.name, said)}>
        <LivePicture stream={camera.id} name={camera.name} fps={FPS} on={live} onDrawn={() => seen || setSeen(true)} />
        {instead && <span class="instead">{sentenceCase(instead)}</span>}
      </a>
      <div class="said">
        <h2 title={camera.name}>{camera.name}</h2>
        <div class="people number">
          <b>{live ? number(people) : "–"}</b>
          <span>{others > 0 ? text.cameras.others(number(others)) : text.cameras.people(people)}</span>
        </div>
        <div class="state">
          <Badge kind={kind}>{word}</Badge>
          {live && heard && <Freshness heard={heard} />}
        </div>
      </div>
    </li>
  );
}

/** How often a camera is looked at, and how old what one sees is. */
export function Freshness({ heard }: { heard: Heard }) {
  const text = useText().cameras;
  const age = heard.frame.time ? Math.max(0, now() - Date.parse(heard.frame.time)) / 1_000 : null;
  return (
    <span class="quiet number">
      {text.rate(number(rateOf(heard), { maximumFractionDigits: 1 }))}
      {age !== null && ` · ${text.age(seconds(age, age < 10 ? 1 : 0))}`}
    </span>
  );
}

export function sentenceCase(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
