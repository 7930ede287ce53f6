import { useRef, useState } from "preact/hooks";
import { addressOf, Problem, type Schemas } from "../../api/client";
import { type Upload, upload } from "../../api/upload";
import { Button } from "../../parts/Button";
import { Field, Select } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { useText } from "../../text";
import { bytes, percent } from "../../text/format";

type Job = Schemas["JobAnswer"];
type Blur = Schemas["JobOptions"]["blur"];

interface Sending {
  name: string;
  size: number;
  share: number;
  upload: Upload<Job>;
}

/** A place to drop a video, and what it is tracked for. */
export function SendVideo({ onSent }: { onSent(job: Job): void }) {
  const text = useText().jobs;
  const chooser = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [classes, setClasses] = useState("person");
  const [stride, setStride] = useState("1");
  const [blur, setBlur] = useState<NonNullable<Blur>>("off");
  const [sending, setSending] = useState<Sending | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const every = Number(stride);
  const wrong = Number.isInteger(every) && every >= 1 && every <= 1000 ? null : text.strideWrong;

  const send = (file: File | undefined) => {
    if (!file || sending || wrong) return;
    const form = new FormData();
    const named = classes.split(",").map((name) => name.trim()).filter(Boolean);
    form.append("options", JSON.stringify({ classes: named, stride: every, blur }));
    form.append("file", file);
    const tell = (share: number) => setSending((now) => now && { ...now, share });
    const started = upload<Job>(addressOf("/v1/jobs"), form, tell);
    setProblem(null);
    setSending({ name: file.name, size: file.size, share: 0, upload: started });
    started.done
      .then(onSent, (error: unknown) => {
        if (error instanceof Problem) setProblem(error);
      })
      .finally(() => setSending(null));
  };

  return (
    <section class="send card" aria-label={text.send}>
      <div
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          send(event.dataTransfer?.files[0]);
        }}
      >
        {sending ? (
          <div class="sending" role="status">
            <b>{text.sending(sending.name, bytes(sending.size))}</b>
            <progress aria-label={text.progress} max={1} value={sending.share} />
            <span class="number">{sending.share < 1 ? percent(sending.share) : text.checking}</span>
            <Button onClick={sending.upload.cancel}>{text.giveUp}</Button>
          </div>
        ) : (
          <>
            <b>{text.drop}</b>
            <span class="quiet">{text.kinds}</span>
            <Button kind="first" disabled={wrong !== null} onClick={() => chooser.current?.click()}>
              {text.choose}
            </Button>
            <input
              ref={chooser}
              hidden
              type="file"
              accept="video/*,.mkv,.avi,.ts"
              onChange={(event) => {
                send(event.currentTarget.files?.[0]);
                event.currentTarget.value = "";
              }}
            />
          </>
        )}
      </div>
      <div class="options">
        <Field label={text.classes} hint={text.classesHint} value={classes} onValue={setClasses} error={problem?.of("options.classes")} />
        <Field label={text.stride} hint={text.strideHint} inputMode="numeric" value={stride} onValue={setStride} error={wrong} />
        <Select
          label={text.blur}
          hint={text.blurHint}
          value={blur}
          options={[
            ["off", text.blurs.off],
            ["people", text.blurs.people],
            ["heads", text.blurs.heads],
          ]}
          onValue={setBlur}
        />
      </div>
      <ProblemNotice problem={problem} />
    </section>
  );
}
