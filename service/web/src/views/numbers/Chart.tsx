import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { Button } from "../../parts/Button";
import { Table } from "../../parts/Table";
import { useText } from "../../text";
import { number } from "../../text/format";
import { dayOf, stepName } from "./labels";
import { saveCsv, savePng } from "./saving";
import type { Grain } from "./time";

export interface Line {
  name: string;
  values: readonly (number | null)[];
  /** Whether the sum of all means something. */
  total?: boolean;
}

interface Properties {
  title: string;
  subtitle: string;
  grain: Grain;
  steps: readonly Date[];
  /** Two at most: one is drawn through with full points, the other dashed with hollow ones. */
  lines: readonly Line[];
  digits: number;
  /** What is said where all is nothing. */
  empty: string;
}

const HEIGHT = 240;

/** A chart that reads without colours, with its numbers as a table, as CSV and as a picture. */
export function Chart({ title, subtitle, grain, steps, lines, digits, empty }: Properties) {
  const text = useText().numbers;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const something = lines.some(({ values }) => values.some((value) => value !== null && value > 0));
  const shape = (value: number) => number(value, { maximumFractionDigits: digits });

  useEffect(() => {
    const element = place.current;
    if (!element || !something) return;
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(element, grain, lines, shape),
        [steps.map((step) => step.getTime() / 1_000), ...lines.map(({ values }) => [...values])],
        element,
      );
    };
    make();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    scheme.addEventListener("change", make);
    return () => {
      scheme.removeEventListener("change", make);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [steps, lines.map(({ name, values }) => `${name} ${values.join()}`).join("\n"), something, grain]);

  const rows = steps.map((step, at) => ({ step, values: lines.map(({ values }) => values[at] ?? null) }));
  const totals = lines.filter(({ total }) => total);
  const sum = ({ values }: Line) => shape(values.reduce((all: number, one) => all + (one ?? 0), 0));
  return (
    <section class="chart card" aria-label={title}>
      <div class="bar">
        <h2>{title}</h2>
        {totals.map((line) => (
          <span key={line.name} class="quiet">
            {line.name} <b class="number">{sum(line)}</b>
          </span>
        ))}
        <div class="actions">
          <Button
            onClick={() =>
              saveCsv(`${title} ${subtitle}`, [
                [text.from, ...lines.map(({ name }) => name)],
                ...rows.map(({ step, values }) => [localIso(step), ...values.map((value) => value ?? "")]),
              ])
            }
          >
            CSV
          </Button>
          <Button
            disabled={!something}
            onClick={() => {
              const drawn = plot.current?.ctx.canvas;
              if (drawn) savePng(`${title} ${subtitle}`, drawn, [`${title} · ${subtitle}`, ...legend(lines, text)]);
            }}
          >
            PNG
          </Button>
        </div>
      </div>
      {something ? (
        <div ref={place} class="plot" role="img" aria-label={describe(title, lines, shape)} />
      ) : (
        <p class="quiet">{empty}</p>
      )}
      {something && (
        <details>
          <summary>{text.asTable}</summary>
          <Table
            caption={title}
            keyOf={({ step }) => step.toISOString()}
            rows={rows}
            columns={[
              { title: text.from, cell: ({ step }) => stepName(step, grain) },
              ...lines.map(({ name }, at) => ({
                title: name,
                number: true,
                cell: ({ values }: (typeof rows)[number]) => {
                  const value = values[at] ?? null;
                  return value === null ? "–" : shape(value);
                },
              })),
            ]}
          />
        </details>
      )}
    </section>
  );
}

function options(element: HTMLElement, grain: Grain, lines: readonly Line[], shape: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const looks = [
    { stroke: colour("--accent"), points: { show: true, size: 7, fill: colour("--accent") } },
    { stroke: colour("--ink"), dash: [7, 5], points: { show: true, size: 8, fill: colour("--card") } },
  ];
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { y: false },
    // A line's mark in the legend looks as its points do.
    legend: {
      markers: {
        width: 2,
        fill: (_, at) => colour(at === 1 ? "--accent" : "--card"),
        dash: (_, at) => (at === 1 ? "solid" : "dashed"),
      },
    },
    scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] } },
    axes: [
      { ...axis, values: (_, splits) => splits.map((at) => axisLabel(new Date(at * 1_000), grain)), space: 64 },
      { ...axis, values: (_, splits) => splits.map(shape), size: 52 },
    ],
    series: [
      { value: (_, at) => (at === null ? "–" : stepName(new Date(at * 1_000), grain)), label: "" },
      ...lines.map(({ name }, at) => ({
        label: name,
        width: 2,
        spanGaps: false,
        value: (_: uPlot, value: number | null) => (value === null ? "–" : shape(value)),
        ...looks[at % looks.length],
      })),
    ],
  };
}

/** Midnight is named by its day. */
function axisLabel(at: Date, grain: Grain): string {
  const midnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (grain === "day") return midnight ? dayOf(at) : "";
  return midnight ? dayOf(at) : stepName(at, grain).split(", ").at(-1) ?? "";
}

function describe(title: string, lines: readonly Line[], shape: (value: number) => string): string {
  const ends = lines.map(({ name, values }) => {
    const known = values.filter((value): value is number => value !== null);
    return `${name} ${shape(Math.min(...known))}–${shape(Math.max(...known))}`;
  });
  return `${title}: ${ends.join(", ")}`;
}

function legend(lines: readonly Line[], text: { solid: string; dashed: string }): string[] {
  return lines.map(({ name }, at) => `${at === 0 ? text.solid : text.dashed} ${name}`);
}

/** A time in the viewer's zone that a spreadsheet reads: 2026-05-01T14:00:00+02:00. */
function localIso(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const two = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  const zone = `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  return `${new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, 19)}${zone}`;
}
