import { useEffect, useRef, useState } from "preact/hooks";
import { getBlob } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { Button } from "../../parts/Button";
import { Checkbox } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import { number } from "../../text/format";
import { drawArrows, drawHeat } from "./drawing";
import { saveCsv, savePng } from "./saving";
import type { Wish } from "./time";

const WIDTH = 1280;

/** Where people stood, and which way they went, over the camera's picture. */
export function HeatMap({ wish }: { wish: Wish }) {
  const text = useText().numbers;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [heat, setHeat] = useState(true);
  const [arrows, setArrows] = useState(true);
  const picture = usePicture(wish.stream);
  const { data, problem } = useAnswer("/v1/streams/{stream_id}/movement", {
    path: { stream_id: wish.stream },
    query: { begin: wish.begin.toISOString(), end: wish.end.toISOString(), class: wish.classes },
  }, { every: 60_000 });
  const shape = picture ? picture.height / picture.width : 9 / 16;
  const height = Math.round(WIDTH * shape);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !data) return;
    context.fillStyle = "#20262b";
    context.fillRect(0, 0, WIDTH, height);
    if (picture) {
      context.filter = "grayscale(1) brightness(.8)";
      context.drawImage(picture, 0, 0, WIDTH, height);
      context.filter = "none";
    }
    if (heat) drawHeat(context, data.seconds);
    if (arrows) drawArrows(context, data.arrows);
  }, [data, picture, heat, arrows]);

  const name = `${text.heat} ${wish.stream}`;
  return (
    <section class="heat card" aria-label={text.heat}>
      <div class="bar">
        <h2>{text.heat}</h2>
        {data && <span class="quiet">{text.ofTracks(number(data.tracks))}</span>}
        <div class="actions">
          <Button
            disabled={!data?.tracks}
            onClick={() =>
              data &&
              saveCsv(name, [
                [text.row, text.column, text.seconds],
                ...data.seconds.flatMap((row, y) => row.map((value, x) => [y, x, value])),
              ])
            }
          >
            CSV
          </Button>
          <Button disabled={!data?.tracks} onClick={() => canvas.current && savePng(name, canvas.current, [name])}>
            PNG
          </Button>
        </div>
      </div>
      <ProblemNotice problem={problem} />
      {data && data.tracks === 0 ? (
        <p class="quiet">{text.noTracks}</p>
      ) : (
        <>
          <div class="actions">
            <Checkbox label={text.showHeat} checked={heat} onValue={setHeat} />
            <Checkbox label={text.showArrows} checked={arrows} onValue={setArrows} />
          </div>
          {/* The shape of the picture is known before it comes, or nearly so. */}
          <canvas ref={canvas} width={WIDTH} height={height} role="img" aria-label={text.heatLabel(number(data?.tracks ?? 0))} />
          <p class="quiet">
            {text.heatHint} {picture === null && text.noPicture}
          </p>
        </>
      )}
    </section>
  );
}

/** The camera's picture; undefined until it is known, null if there is none now. */
function usePicture(stream: string): ImageBitmap | null | undefined {
  const [picture, setPicture] = useState<ImageBitmap | null>();
  useEffect(() => {
    const ending = new AbortController();
    getBlob("/v1/streams/{stream_id}/snapshot.jpg", {
      path: { stream_id: stream },
      query: { raw: true, width: WIDTH },
      signal: ending.signal,
    })
      .then((blob) => createImageBitmap(blob))
      .then(
        (found) => setPicture(found),
        () => {
          if (!ending.signal.aborted) setPicture(null);
        },
      );
    return () => ending.abort();
  }, [stream]);
  return picture;
}
