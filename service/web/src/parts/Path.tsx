import type { Point, Scale } from "./Surface";

interface Properties {
  /** Where it was, the earliest first; x1, y1, x2, y2 in 0…1. */
  boxes: readonly (readonly [number, number, number, number])[];
  /** The place in `boxes` that the picture is of, whose box is drawn. */
  at: number | null;
  scale: Scale;
}

/** Where somebody walked: the way of their feet, from the ring to the dot. */
export function Path({ boxes, at, scale }: Properties) {
  const { width, height, unit } = scale;
  const feet = boxes.map(([x1, , x2, y2]): Point => [((x1 + x2) / 2) * width, y2 * height]);
  const points = feet.map((point) => point.join(",")).join(" ");
  const box = at === null ? undefined : boxes[at];
  const [first, last] = [feet[0], feet.at(-1)];
  return (
    <g class="path">
      <polyline class="edge" points={points} />
      <polyline class="stroke" points={points} />
      {first && <circle class="start" cx={first[0]} cy={first[1]} r={6 * unit} />}
      {last && <circle class="end" cx={last[0]} cy={last[1]} r={6 * unit} />}
      {box && (
        <rect
          x={box[0] * width}
          y={box[1] * height}
          width={(box[2] - box[0]) * width}
          height={(box[3] - box[1]) * height}
        />
      )}
    </g>
  );
}
