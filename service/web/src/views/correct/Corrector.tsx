import { useEffect, useMemo, useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { useReconnected } from "../../live/hooks";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Boxes } from "../../player/boxes";
import { Player } from "../../player/Player";
import { Tracks } from "../../player/Tracks";
import { useText } from "../../text";
import { History } from "./History";
import { Outcome } from "./Outcome";
import { Tools } from "./Tools";
import { useCorrections } from "./useCorrections";

/** Video, tracks and tools: pick a track, say what is wrong with it. */
export function Corrector({ job }: { job: Schemas["JobAnswer"] }) {
  const text = useText().correct;
  const corrections = useCorrections(job.id);
  const [selected, setSelected] = useState<number | null>(null);
  const [other, setOther] = useState("");
  const [frame, setFrame] = useState<number | null>(null);
  const [goal, setGoal] = useState<{ time: number } | null>(null);
  const query = { corrected: true };
  const { data: facts, problem, reload } = useAnswer("/v1/jobs/{job_id}/tracks", { path: { job_id: job.id }, query });
  const revision = corrections.saved?.revision;
  useReconnected(() => problem && reload());

  useEffect(() => {
    if (revision) reload();
  }, [revision]);
  const boxes = useMemo(() => facts && new Boxes(job.id, facts, true), [job.id, facts]);
  const track = facts?.tracks.find(({ id }) => id === selected);

  if (!facts || !boxes || !corrections.saved) return <ProblemNotice problem={problem ?? corrections.problem} />;
  const pick = (id: number | null, second: boolean) => {
    if (second && selected !== null && id !== null && id !== selected) setOther(String(id));
    else setSelected(id);
  };
  return (
    <div class="corrector">
      <Player
        job={job}
        facts={facts}
        boxes={boxes}
        selected={selected}
        onPick={pick}
        onFrame={(shown) => setFrame(shown)}
        goal={goal}
      />
      <div class="side">
        {track ? (
          <Tools
            key={track.id}
            track={track}
            facts={facts}
            frame={frame}
            corrections={corrections}
            other={other}
            onOther={setOther}
            onSelect={setSelected}
          />
        ) : (
          <EmptyState title={text.pick}>{text.pickHint}</EmptyState>
        )}
        <History corrections={corrections} />
      </div>
      <Tracks
        facts={facts}
        selected={selected}
        onSelect={(id, time) => {
          setSelected(id === selected ? null : id);
          if (id !== selected) setGoal({ time });
        }}
      />
      <Outcome job={job} revision={corrections.saved.revision} />
    </div>
  );
}
