import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { Button } from "../parts/Button";
import { drawTracks, fitCanvas, placeOf } from "../parts/canvas";
import { Notice, ProblemNotice } from "../parts/Notice";
import { useText } from "../text";
import { number } from "../text/format";
import { type Boxes, type FrameBoxes, rateOf } from "./boxes";
import { clockOf } from "./time";
import { useCopy } from "./video";
import "./player.css";

const SPEEDS = ["0.25", "0.5", "1", "2", "4"] as const;

interface Properties {
  job: Schemas["JobAnswer"];
  facts: Schemas["JobTracksAnswer"];
  boxes: Boxes;
  selected: number | null;
  /** A box was pressed (null: beside all); `second` with the Shift key. */
  onPick(id: number | null, second: boolean): void;
  /** What is shown now: the frame that was looked at, null between them. */
  onFrame?(frame: number | null, time: number): void;
  /** Where to go; another object goes there again. */
  goal: { time: number } | null;
}

/** A job's video with its tracks over it, of the frame that is shown and no other. */
export function Player({ job, facts, boxes, selected, onPick, onFrame, goal }: Properties) {
  const text = useText().player;
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useRef<FrameBoxes | null>(null);
  const [copy, refuse] = useCopy(job, facts.first_time ?? 0);
  const [time, setTime] = useState(facts.first_time ?? 0);
  const [playing, setPlaying] = useState(false);
  const [length, setLength] = useState(0);
  const [speed, setSpeed] = useState<string>("1");
  const begin = copy.kind === "upload" || copy.kind === "plain" ? copy.begin : 0;

  const draw = useCallback(() => {
    const surface = canvas.current;
    const context = surface?.getContext("2d");
    if (!surface || !context) return;
    fitCanvas(surface);
    context.clearRect(0, 0, surface.width, surface.height);
    const frame = shown.current;
    if (frame === null) return;
    const place = placeOf(facts, surface);
    const tracks = frame.ids.map((id, row) => ({
      id: String(id),
      box: frame.boxes[row] ?? ([0, 0, 0, 0] as [number, number, number, number]),
      seen: !frame.predicted[row],
      class_name: "",
      score: 1,
      seconds: 0,
    }));
    const first = tracks.filter(({ id }) => selected === null || id === String(selected));
    context.globalAlpha = 0.45;
    drawTracks(context, place, selected === null ? [] : tracks.filter((track) => !first.includes(track)));
    context.globalAlpha = 1;
    drawTracks(context, place, first);
  }, [facts, selected]);

  // Each picture of the video, with the time that it has in the file.
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    let ended = false;
    let asked = 0;
    const show = (at: number) => {
      const round = ++asked;
      setTime(at);
      boxes.at(at).then(
        (frame) => {
          if (ended || round !== asked) return;
          shown.current = frame;
          draw();
          onFrame?.(frame?.frame ?? null, at);
        },
        () => {}, // asked for again with the next picture
      );
    };
    let callback = 0;
    const follow = () => {
      callback = element.requestVideoFrameCallback((_, { mediaTime }) => {
        show(mediaTime + begin);
        follow();
      });
    };
    follow();
    if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) show(element.currentTime + begin);
    const resized = new ResizeObserver(draw);
    if (canvas.current) resized.observe(canvas.current);
    return () => {
      ended = true;
      element.cancelVideoFrameCallback(callback);
      resized.disconnect();
    };
  }, [boxes, draw, begin, copy.kind]);

  const step = 1 / rateOf(facts);
  const seek = (to: number) => {
    const element = video.current;
    // A little behind the frame's own time: times of players are rounded.
    if (element) element.currentTime = Math.min(Math.max(to - begin + step / 4, 0), element.duration || 0);
  };
  useEffect(() => {
    if (goal) seek(goal.time);
  }, [goal, copy.kind, length > 0]);
  useEffect(() => {
    if (video.current) video.current.playbackRate = Number(speed);
  }, [speed, length]);

  const toggle = () => {
    const element = video.current;
    if (!element) return;
    if (element.paused) void element.play().catch(() => setPlaying(false));
    else element.pause();
  };
  const walk = (frames: number) => {
    video.current?.pause();
    seek(time + frames * facts.step * step);
  };
  const keys: Record<string, () => void> = {
    " ": toggle,
    ArrowLeft: () => walk(-1),
    ArrowRight: () => walk(1),
    Escape: () => onPick(null, false),
  };

  if (copy.kind === "none") return <ProblemNotice problem={copy.problem} />;
  if (copy.kind === "copying") {
    return <Notice kind="wait">{copy.blurred ? text.copyingBlurred : text.copying}</Notice>;
  }
  return (
    <div class="player">
      {copy.kind === "plain" && job.options.blur === "off" && <p class="quiet">{text.copied}</p>}
      <div
        class="screen"
        role="group"
        aria-label={text.screen}
        tabIndex={0}
        style={{ aspectRatio: `${facts.width} / ${facts.height}`, maxWidth: `calc(70vh * ${facts.width / facts.height})` }}
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          act();
        }}
      >
        <video
          ref={video}
          key={copy.address}
          src={copy.address}
          muted
          playsInline
          preload="auto"
          aria-label={job.name}
          onError={refuse}
          onLoadedMetadata={({ currentTarget }) => {
            // A file whose sound alone can be decoded is not played either.
            if (currentTarget.videoWidth === 0) refuse();
            setLength(currentTarget.duration);
          }}
          onPlay={() => setPlaying(true)}
          onPause={() => setPlaying(false)}
        />
        <canvas
          ref={canvas}
          onClick={(event) => {
            if (canvas.current) onPick(found(canvas.current, event, shown.current), event.shiftKey);
          }}
        />
      </div>
      <div class="controls">
        <Button onClick={() => walk(-1)} aria-label={text.before} title={text.before}>
          ◂
        </Button>
        <Button kind="first" onClick={toggle}>
          {playing ? text.pause : text.play}
        </Button>
        <Button onClick={() => walk(1)} aria-label={text.after} title={text.after}>
          ▸
        </Button>
        <input
          type="range"
          aria-label={text.time}
          aria-valuetext={clockOf(time)}
          min={begin}
          max={begin + (Number.isFinite(length) ? length : 0)}
          step={step}
          value={time}
          onInput={(event) => seek(Number(event.currentTarget.value))}
        />
        <span class="number">{clockOf(time)}</span>
        <select aria-label={text.speed} value={speed} onChange={(event) => setSpeed(event.currentTarget.value)}>
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              {number(Number(one))}×
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

/** The smallest box under the pointer: who stands before somebody is usually smaller in what one means. */
function found(canvas: HTMLCanvasElement, event: MouseEvent, frame: FrameBoxes | null): number | null {
  const edge = canvas.getBoundingClientRect();
  const x = (event.clientX - edge.left) / edge.width;
  const y = (event.clientY - edge.top) / edge.height;
  let best: number | null = null;
  let least = Infinity;
  frame?.boxes.forEach(([x1, y1, x2, y2], row) => {
    const area = (x2 - x1) * (y2 - y1);
    if (x1 <= x && x <= x2 && y1 <= y && y <= y2 && area < least) {
      least = area;
      best = frame.ids[row] ?? null;
    }
  });
  return best;
}
