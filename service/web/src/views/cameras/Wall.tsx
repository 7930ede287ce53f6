import { useEffect, useRef, useState } from "preact/hooks";
import type { Camera } from "../../live/cameras";
import { useLink, useStates, useTick } from "../../live/hooks";
import { Button } from "../../parts/Button";
import { EmptyState } from "../../parts/EmptyState";
import { Page } from "../../parts/Page";
import { hrefOf } from "../../routes";
import { may, useWho } from "../../session";
import { useText } from "../../text";
import { number } from "../../text/format";
import { countOf, useHeard } from "./heard";
import { Tile } from "./Tile";

const MOST = 16;
const SMALLEST = 12;
const LARGEST = 80;
const KEY = "sightline-wall";

/** How the wall looks: tiles at once, and the least width of one in rem. */
interface Look {
  tiles: number;
  size: number;
}

/** Up to sixteen cameras at once, of any size. */
export function Wall({ cameras }: { cameras: Camera[] }) {
  const text = useText().cameras;
  const who = useWho();
  const link = useLink();
  const states = useStates();
  const [look, setLook] = useLook();
  const [start, setStart] = useState(0);
  const wall = useRef<HTMLUListElement>(null);
  const columns = useFullScreen(wall, Math.min(look.tiles, cameras.length));
  useTick();
  const heard = useHeard(cameras.map(({ id }) => id));

  const mayAdd = may(who, "operator", { everywhere: true });
  const add = mayAdd && (
    <a class="button first" href={`${hrefOf("cameras")}?do=add`}>
      {text.add}
    </a>
  );
  if (cameras.length === 0) {
    return (
      <Page title={text.title} actions={add}>
        <EmptyState title={text.none}>
          {mayAdd ? text.noneAdd : who.streams ? text.noneGranted : text.noneViewer}
        </EmptyState>
      </Page>
    );
  }

  const isLive = (id: string) => link.status === "open" && states.get(id)?.state === "RUNNING";
  const running = cameras.filter(({ id }) => isLive(id));
  // What was last heard of a camera that says nothing more is not "now".
  const people = running.reduce((sum, { id }) => sum + (heard.has(id) ? countOf(heard.get(id)!).people : 0), 0);
  // Cameras may have gone since the page was turned.
  const from = start < cameras.length ? start : 0;
  const shown = cameras.slice(from, from + look.tiles);

  return (
    <Page
      title={text.title}
      summary={text.live(number(running.length), number(cameras.length))}
      actions={
        <>
          <span class="total">
            <b class="number">{link.status === "open" ? number(people) : "–"}</b>
            <span class="quiet">{text.peopleNow}</span>
          </span>
          {add}
        </>
      }
    >
      <div class="wall-look">
        <label>
          {text.tiles}
          <input
            type="number"
            min={1}
            max={MOST}
            value={look.tiles}
            onInput={({ currentTarget: { valueAsNumber } }) => {
              if (valueAsNumber >= 1 && valueAsNumber <= MOST) setLook({ ...look, tiles: Math.round(valueAsNumber) });
            }}
          />
        </label>
        <label>
          {text.size}
          <input
            type="range"
            min={SMALLEST}
            max={LARGEST}
            value={look.size}
            onInput={(event) => setLook({ ...look, size: event.currentTarget.valueAsNumber })}
          />
        </label>
        <Button onClick={() => void wall.current?.requestFullscreen()}>{text.fullScreen}</Button>
        {cameras.length > look.tiles && <Turn {...{ from, count: cameras.length, tiles: look.tiles, setStart }} />}
      </div>
      <ul
        ref={wall}
        class="wall"
        style={columns ? { "--columns": columns } : { "--tile": `${look.size}rem` }}
      >
        {shown.map((camera) => (
          <Tile key={camera.id} camera={camera} status={states.get(camera.id)} heard={heard.get(camera.id)} link={link} />
        ))}
      </ul>
    </Page>
  );
}

function Turn({ from, count, tiles, setStart }: { from: number; count: number; tiles: number; setStart(to: number): void }) {
  const text = useText();
  const to = Math.min(from + tiles, count);
  return (
    <span class="turn">
      <Button disabled={from === 0} onClick={() => setStart(Math.max(0, from - tiles))}>
        {text.parts.previous}
      </Button>
      <span role="status">{text.cameras.page(number(from + 1), number(to), number(count))}</span>
      <Button disabled={to >= count} onClick={() => setStart(from + tiles)}>
        {text.parts.next}
      </Button>
    </span>
  );
}

function useLook(): [Look, (look: Look) => void] {
  const [look, setLook] = useState(readLook);
  return [
    look,
    (changed) => {
      setLook(changed);
      localStorage.setItem(KEY, JSON.stringify(changed));
    },
  ];
}

function readLook(): Look {
  const usual = { tiles: MOST, size: 20 };
  try {
    const { tiles, size } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Look>;
    return {
      tiles: tiles && tiles >= 1 && tiles <= MOST ? tiles : usual.tiles,
      size: size && size >= SMALLEST && size <= LARGEST ? size : usual.size,
    };
  } catch {
    return usual;
  }
}

/** The columns that show so many tiles as large as possible; 0 while it is not full screen. */
function useFullScreen(wall: { current: HTMLElement | null }, count: number): number {
  const [columns, setColumns] = useState(0);
  useEffect(() => {
    const measure = () => setColumns(document.fullscreenElement === wall.current && wall.current ? bestColumns(count) : 0);
    document.addEventListener("fullscreenchange", measure);
    addEventListener("resize", measure);
    return () => {
      document.removeEventListener("fullscreenchange", measure);
      removeEventListener("resize", measure);
    };
  }, [count]);
  return columns;
}

function bestColumns(count: number): number {
  const widths = Array.from({ length: count }, (_, index) => {
    const columns = index + 1;
    const rows = Math.ceil(count / columns);
    return Math.min(innerWidth / columns, ((innerHeight / rows) * 16) / 9);
  });
  return widths.indexOf(Math.max(...widths)) + 1;
}
