/** Where whom one looks for comes from: a camera's picture, or one of one's own. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useStill } from "../../live/still";
import { Button } from "../../parts/Button";
import { EmptyState } from "../../parts/EmptyState";
import { CameraChoice } from "../../parts/CameraChoice";
import { Notice } from "../../parts/Notice";
import { useText } from "../../text";
import { BoxPicker } from "./BoxPicker";
import type { Box, Wanted } from "./find";

type Camera = { id: string; name: string };
type Way = "camera" | "file";

interface Properties {
  cameras: readonly Camera[];
  busy: boolean;
  onFind(wanted: Wanted): void;
}

export function Source({ cameras, busy, onFind }: Properties) {
  const text = useText();
  const [way, setWay] = useState<Way>("camera");
  const id = useId();
  return (
    <section class="card source" aria-label={text.search.whom}>
      <h2>{text.search.whom}</h2>
      <div class="actions" role="group" aria-label={text.search.whom}>
        {(["camera", "file"] as const).map((one) => (
          <Button key={one} aria-pressed={one === way} aria-controls={id} onClick={() => setWay(one)}>
            {text.search.ways[one]}
          </Button>
        ))}
      </div>
      <div id={id} class="way">
        {way === "camera" ? (
          <FromCamera cameras={cameras} busy={busy} onFind={onFind} />
        ) : (
          <FromFile busy={busy} onFind={onFind} />
        )}
      </div>
    </section>
  );
}

const WISH = { fps: 2, width: 1280 };

/** The picture of a camera, held as soon as somebody is marked in it. */
function FromCamera({ cameras, busy, onFind }: Properties) {
  const text = useText();
  const [chosen, setChosen] = useState("");
  const [held, setHeld] = useState(false);
  const [box, setBox] = useState<Box | null>(null);
  const stream = chosen || cameras[0]?.id || "";
  const still = useStill(stream, held || !stream ? null : WISH);
  if (!stream) return <EmptyState title={text.search.noCamera}>{text.search.noCameraHint}</EmptyState>;
  const release = () => {
    setHeld(false);
    setBox(null);
  };
  return (
    <>
      <div class="actions">
        <CameraChoice
          cameras={cameras}
          value={stream}
          onValue={(id) => {
            release();
            setChosen(id);
          }}
        />
        <Button aria-pressed={held} onClick={() => (held ? release() : setHeld(true))}>
          {held ? text.search.release : text.search.hold}
        </Button>
      </div>
      {still ? (
        <BoxPicker
          picture={{ url: still.url, width: still.frame.width ?? 1280, height: still.frame.height ?? 720 }}
          people={still.frame.tracks.map((track) => ({ id: track.id, box: track.box }))}
          box={box}
          onBox={setBox}
          onPerson={(track) => onFind({ track })}
          onHold={() => setHeld(true)}
        />
      ) : (
        <p class="quiet">{text.search.waiting}</p>
      )}
      {still && box && (
        <Button
          kind="first"
          busy={busy}
          onClick={() => onFind({ picture: still.jpeg, url: URL.createObjectURL(still.jpeg), box })}
        >
          {text.search.findBox}
        </Button>
      )}
    </>
  );
}

const KINDS = ["image/jpeg", "image/png", "image/webp"];
const LARGEST = 20 * 2 ** 20;

interface Chosen {
  file: File;
  url: string;
  width: number;
  height: number;
}

/** A picture of one's own, chosen or dropped. */
function FromFile({ busy, onFind }: Omit<Properties, "cameras">) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [box, setBox] = useState<Box | null>(null);
  useEffect(() => () => void (chosen && URL.revokeObjectURL(chosen.url)), [chosen]);

  const take = async (file: File | undefined) => {
    if (!file) return;
    if (!KINDS.includes(file.type)) return setFault(text.search.wrongKind(file.name));
    if (file.size > LARGEST) return setFault(text.search.tooLarge(file.name));
    const url = URL.createObjectURL(file);
    const image = new Image();
    image.src = url;
    try {
      await image.decode();
    } catch {
      URL.revokeObjectURL(url);
      return setFault(text.search.damaged(file.name));
    }
    setFault(null);
    setBox(null);
    setChosen({ file, url, width: image.naturalWidth, height: image.naturalHeight });
  };
  return (
    <div
      class="drop"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <label for={id}>{text.search.file}</label>
      <input
        ref={input}
        id={id}
        type="file"
        accept={KINDS.join(",")}
        aria-describedby={`${id}-hint`}
        onChange={(event) => void take(event.currentTarget.files?.[0])}
      />
      <p id={`${id}-hint`} class="quiet">
        {text.search.fileHint}
      </p>
      {fault && <Notice kind="bad">{fault}</Notice>}
      {chosen && (
        <>
          <BoxPicker picture={chosen} people={[]} box={box} onBox={setBox} onPerson={() => undefined} />
          <Button
            kind="first"
            busy={busy}
            onClick={() => onFind({ picture: chosen.file, url: URL.createObjectURL(chosen.file), box })}
          >
            {box ? text.search.findBox : text.search.findLargest}
          </Button>
        </>
      )}
    </div>
  );
}
