/** What the rules would have counted: a table, and the tracks walking through the picture. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Problem } from "../../api/client";
import { Button } from "../../parts/Button";
import { Select } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Table } from "../../parts/Table";
import type { Scale } from "../../parts/Surface";
import { useText } from "../../text";
import { clock, duration, number } from "../../text/format";
import { colourOf } from "../../parts/canvas";
import { feetAt, type Replayed, replay } from "./replay";
import { nameOf, type Shape } from "./shapes";

/** Seconds. */
const SPANS = ["600", "3600", "21600", "86400"];
const SPEEDS = [1, 4, 16, 60, 240, 1_440];
const LONGEST_SHOW = 40_000;
const TRAIL = 4_000;
const FLASH = 900;
const FRAME = 50;

/** A replay and the moment of it that is shown. */
export interface Shown {
  replayed: Replayed;
  at: number;
}

interface Properties {
  stream: string;
  shapes: readonly Shape[];
  shown: Shown | null;
  onShow(shown: Shown | null): void;
}

export function Preview({ stream, shapes, shown, onShow }: Properties) {
  const text = useText();
  const [span, setSpan] = useState("600");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isEmpty, setEmpty] = useState(false);
  const [playing, setPlaying] = useState(false);
  const ending = useRef<AbortController | null>(null);
  useEffect(() => () => ending.current?.abort(), []);

  const tryOut = async () => {
    ending.current?.abort();
    const mine = (ending.current = new AbortController());
    setBusy(true);
    setProblem(null);
    try {
      const replayed = await replay(stream, shapes, Number(span), mine.signal);
      setEmpty(replayed === null);
      onShow(replayed && { replayed, at: replayed.begin });
      setPlaying(replayed !== null && !matchMedia("(prefers-reduced-motion: reduce)").matches);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    } finally {
      if (!mine.signal.aborted) setBusy(false);
    }
  };
  const rules = shapes.filter(({ kind }) => kind !== "mask");

  return (
    <section class="card preview" aria-label={text.rules.preview}>
      <h2>{text.rules.preview}</h2>
      <p class="quiet">{text.rules.previewHint}</p>
      <div class="actions">
        <Select
          label={text.rules.span}
          value={span}
          options={SPANS.map((one) => [one, text.rules.lastSpan(duration(Number(one) * 1_000))] as const)}
          onValue={setSpan}
        />
        <Button kind="first" busy={busy} disabled={rules.length === 0} onClick={() => void tryOut()}>
          {busy ? text.rules.trying : text.rules.tryOut}
        </Button>
      </div>
      {rules.length === 0 && <p class="quiet">{text.rules.nothingToTry}</p>}
      <ProblemNotice problem={problem} />
      {isEmpty && <Notice>{text.rules.nothingRecorded}</Notice>}
      {shown && (
        <>
          {shown.replayed.shapes !== shapes && <Notice kind="wait">{text.rules.outdated}</Notice>}
          <Player shown={shown} playing={playing} onPlay={setPlaying} onShow={onShow} />
          <Totals replayed={shown.replayed} />
        </>
      )}
    </section>
  );
}

function Player(properties: { shown: Shown; playing: boolean; onPlay(playing: boolean): void; onShow(shown: Shown): void }) {
  const { shown, playing, onPlay, onShow } = properties;
  const { replayed, at } = shown;
  const text = useText();
  const length = replayed.end - replayed.begin;
  const usual = SPEEDS.find((one) => length / one <= LONGEST_SHOW) ?? SPEEDS.at(-1) ?? 1;
  const [speed, setSpeed] = useState(usual);
  useEffect(() => setSpeed(usual), [replayed]);
  const now = useRef(at);
  now.current = at;
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      const next = skipped(replayed, now.current + FRAME * speed);
      now.current = Math.min(next, replayed.end);
      onShow({ replayed, at: now.current });
      if (next >= replayed.end) onPlay(false);
    }, FRAME);
    return () => clearInterval(timer);
  }, [playing, speed, replayed]);
  const isOver = at >= replayed.end;
  return (
    <div class="player">
      <Button
        onClick={() => {
          if (isOver) onShow({ replayed, at: replayed.begin });
          onPlay(!playing);
        }}
      >
        {playing ? text.rules.pause : isOver ? text.rules.again : text.rules.play}
      </Button>
      <input
        type="range"
        aria-label={text.rules.moment}
        aria-valuetext={clock(at)}
        min={replayed.begin}
        max={replayed.end}
        step={250}
        value={at}
        onInput={(event) => {
          onPlay(false);
          onShow({ replayed, at: Number(event.currentTarget.value) });
        }}
      />
      <span class="number">{clock(at)}</span>
      <select aria-label={text.rules.speed} value={speed} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
        {SPEEDS.map((one) => (
          <option key={one} value={one} selected={one === speed}>
            {text.rules.times(one)}
          </option>
        ))}
      </select>
    </div>
  );
}

function Totals({ replayed }: { replayed: Replayed }) {
  const text = useText();
  const silent = replayed.shapes.filter(
    ({ kind, rule }) => kind !== "mask" && !replayed.totals.some((total) => total.rule === rule?.id),
  );
  const title = (rule: string) => {
    const shape = replayed.shapes.find((one) => one.rule?.id === rule);
    return shape ? nameOf(shape) : rule;
  };
  return (
    <>
      <p role="status">
        {text.rules.tried(clock(replayed.begin), clock(replayed.end), number(replayed.frames), number(replayed.walks.length))}
      </p>
      {replayed.totals.length > 0 && (
        <Table
          caption={text.rules.preview}
          rows={replayed.totals}
          keyOf={({ rule, kind, direction }) => `${rule} ${kind} ${direction}`}
          columns={[
            { title: text.rules.rule, cell: ({ rule }) => title(rule) },
            { title: text.rules.what, cell: ({ kind }) => text.kinds[kind] },
            { title: text.rules.direction, cell: ({ direction }) => (direction ? text.events.directions[direction] : "") },
            { title: text.rules.count, number: true, cell: ({ count }) => number(count) },
          ]}
        />
      )}
      {silent.length > 0 && <p>{text.rules.countedNothing(silent.map(nameOf).join(", "))}</p>}
    </>
  );
}

/** How often each rule has reported something until a moment, as `in 3 · out 2`. */
export function useNotes(shown: Shown | null): (shape: Shape) => string | undefined {
  const text = useText();
  const notes = useMemo(() => {
    const counts = new Map<string, Map<string, number>>();
    for (const event of shown?.replayed.events ?? []) {
      if (Date.parse(event.time) > (shown?.at ?? 0) || (event.direction !== "in" && event.direction !== "out")) continue;
      const ways = counts.get(event.rule) ?? new Map<string, number>();
      counts.set(event.rule, ways.set(event.direction, (ways.get(event.direction) ?? 0) + 1));
    }
    return counts;
  }, [shown]);
  return (shape) => {
    if (!shown || !shape.rule) return undefined;
    const ways = notes.get(shape.rule.id);
    return (["in", "out"] as const).map((way) => `${text.events.directions[way]} ${number(ways?.get(way) ?? 0)}`).join(" · ");
  };
}

/** Who walks where at the moment, with where they came from, and where a rule reports something. */
export function Walkers({ shown, scale }: { shown: Shown; scale: Scale }) {
  const { replayed, at } = shown;
  const { width, height, unit } = scale;
  return (
    <g class="walkers" aria-hidden="true">
      {replayed.walks
        .filter((walk) => walk.start <= at && walk.end >= at)
        .map((walk) => {
          const feet = feetAt(walk, at);
          if (!feet) return null;
          const trail = walk.path
            .filter(([seconds]) => {
              const time = walk.start + seconds * 1_000;
              return time > at - TRAIL && time < at;
            })
            .map(([, x1, , x2, y2]) => `${((x1 + x2) / 2) * width},${y2 * height}`);
          const end = `${feet[0] * width},${feet[1] * height}`;
          return (
            <g key={walk.id} stroke={colourOf(walk.id)} fill={colourOf(walk.id)}>
              <polyline class="trail" points={[...trail, end].join(" ")} fill="none" />
              <circle cx={feet[0] * width} cy={feet[1] * height} r={6 * unit} />
            </g>
          );
        })}
      {replayed.events.map((event, index) => {
        const age = at - Date.parse(event.time);
        if (age < 0 || age > FLASH || !event.position) return null;
        const [x, y] = event.position;
        return <circle key={index} class="flash" cx={x * width} cy={y * height} r={(10 + (age / FLASH) * 18) * unit} />;
      })}
    </g>
  );
}

/** The moment, or the next one at which somebody is there. */
function skipped(replayed: Replayed, time: number): number {
  const isWalking = replayed.walks.some((walk) => walk.start <= time && walk.end >= time);
  if (isWalking) return time;
  const later = replayed.walks.map(({ start }) => start).filter((start) => start > time);
  return later.length > 0 ? Math.min(...later) : replayed.end;
}
