import { useRef, useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useStates, useTick, useTracks } from "../../live/hooks";
import { hrefOf } from "../../routes";
import { useText } from "../../text";
import { number } from "../../text/format";

type Stream = Schemas["StreamAnswer"];

/** How many people each camera sees now. */
export function PeopleNow({ streams }: { streams: readonly Stream[] }) {
  const text = useText().numbers;
  return (
    <section aria-label={text.now}>
      <h2 class="title">{text.now}</h2>
      <ul class="now">
        {streams.map((stream) => (
          <Camera key={stream.id} stream={stream} />
        ))}
      </ul>
    </section>
  );
}

/** What is older says nothing of now. */
const STALE = 5_000;

function Camera({ stream }: { stream: Stream }) {
  const text = useText().numbers;
  const states = useStates();
  const [count, setCount] = useState<number | null>(null);
  const seen = useRef(0);
  useTick(2_000);
  useTracks(stream.id, ({ tracks = [] }) => {
    seen.current = Date.now();
    setCount(tracks.filter(({ class_name }) => class_name === "person").length);
  });
  const state = states.get(stream.id)?.state;
  const known = count !== null && state === "RUNNING" && Date.now() - seen.current < STALE;
  return (
    <li class="card">
      <b class="number">{known ? number(count) : "–"}</b>
      <a href={hrefOf("numbers", stream.id)}>{stream.name || stream.id}</a>
      {!known && <span class="quiet">{text.notSeen}</span>}
    </li>
  );
}
