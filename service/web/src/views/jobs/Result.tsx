import { useMemo, useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useAnswer } from "../../api/hooks";
import { useReconnected } from "../../live/hooks";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Boxes } from "../../player/boxes";
import { Player } from "../../player/Player";
import { Tracks } from "../../player/Tracks";
import { useText } from "../../text";

/** The video with its tracks, which can be gone through one by one. */
export function Result({ job }: { job: Schemas["JobAnswer"] }) {
  const text = useText().jobs;
  const { data: facts, problem, reload } = useAnswer("/v1/jobs/{job_id}/tracks", { path: { job_id: job.id } });
  useReconnected(() => problem && reload());
  const [selected, setSelected] = useState<number | null>(null);
  const [goal, setGoal] = useState<{ time: number } | null>(null);
  const boxes = useMemo(() => facts && new Boxes(job.id, facts, false), [job.id, facts]);
  if (!facts || !boxes) return <ProblemNotice problem={problem} />;
  if (facts.frames === 0) return <EmptyState title={text.noFrames}>{text.noFramesHint}</EmptyState>;
  return (
    <div class="result">
      <Player job={job} facts={facts} boxes={boxes} selected={selected} onPick={setSelected} goal={goal} />
      {facts.tracks.length === 0 ? (
        <EmptyState title={text.nobody}>{text.nobodyHint}</EmptyState>
      ) : (
        <Tracks
          facts={facts}
          selected={selected}
          onSelect={(id, time) => {
            setSelected(id === selected ? null : id);
            if (id !== selected) setGoal({ time });
          }}
        />
      )}
    </div>
  );
}
