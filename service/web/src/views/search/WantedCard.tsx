/** Whom one looks for. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../parts/Button";
import { numberOf } from "../../parts/canvas";
import { Surface } from "../../parts/Surface";
import { useText } from "../../text";
import { type Box, portrait, type Wanted } from "./find";

interface Properties {
  wanted: Wanted;
  /** Where the service found the person of a picture. */
  box: Box | null;
  onOther(): void;
}

export function WantedCard({ wanted, box, onOther }: Properties) {
  const text = useText();
  return (
    <section class="card wanted" aria-label={text.search.whom}>
      {"track" in wanted ? (
        <TrackPicture track={wanted.track} />
      ) : (
        <Shown url={wanted.url} box={wanted.box ?? box} />
      )}
      <div class="said">
        <h2>{"track" in wanted ? text.search.likeTrack(wanted.track) : text.search.likePicture}</h2>
        <Button onClick={onOther}>{text.search.other}</Button>
      </div>
    </section>
  );
}

function TrackPicture({ track }: { track: string }) {
  const text = useText();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    let made: string | null = null;
    portrait(track, ending.signal).then(
      (address) => setUrl((made = address)),
      (error: unknown) => {
        if (!ending.signal.aborted) throw error;
      },
    );
    return () => {
      ending.abort();
      if (made) URL.revokeObjectURL(made);
      setUrl(null);
    };
  }, [track]);
  if (!url) return null;
  return <img class="portrait" src={url} alt={text.search.pictureOf(numberOf(track))} />;
}

/** The picture, with the box of who is meant. */
function Shown({ url, box }: { url: string; box: Box | null }) {
  const text = useText();
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useEffect(() => {
    const image = new Image();
    image.onload = () => setSize({ width: image.naturalWidth, height: image.naturalHeight });
    image.src = url;
  }, [url]);
  if (!size) return null;
  return (
    <Surface url={url} width={size.width} height={size.height} label={text.search.likePicture}>
      {({ width, height }) =>
        box && (
          <rect
            class="chosen"
            x={box[0] * width}
            y={box[1] * height}
            width={(box[2] - box[0]) * width}
            height={(box[3] - box[1]) * height}
          />
        )
      }
    </Surface>
  );
}
