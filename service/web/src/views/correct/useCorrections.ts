/** The corrections of a job: each change is saved at once, and none is lost while nobody answers. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, put, type Schemas } from "../../api/client";

export type Answer = Schemas["CorrectionsAnswer"];
export type Edit = Answer["edits"][number];

const RETRY = 3_000;

export interface Corrections {
  /** As they were saved last; undefined before they are known. */
  saved: Answer | undefined;
  /** Edits that were taken back and can be made again. */
  undone: readonly Edit[];
  /** `waiting`: the service does not answer, and it is tried again. */
  status: "saved" | "saving" | "waiting";
  /** What the service said of the last change that it did not take. */
  problem: Problem | null;
  add(edit: Edit): void;
  undo(): void;
  redo(): void;
  /** Take what somebody else has saved in between. */
  reload(): void;
}

interface Change {
  edits: Edit[];
  undone: Edit[];
}

export function useCorrections(job: string): Corrections {
  const path = { job_id: job };
  const [saved, setSaved] = useState<Answer>();
  const [undone, setUndone] = useState<readonly Edit[]>([]);
  const [status, setStatus] = useState<Corrections["status"]>("saved");
  const [problem, setProblem] = useState<Problem | null>(null);
  const pending = useRef<Change | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const gone = useRef(false);

  const load = () => {
    pending.current = null;
    setProblem(null);
    get("/v1/jobs/{job_id}/corrections", { path }).then(
      (answer) => {
        setSaved(answer);
        setStatus("saved");
      },
      (error: unknown) => failed(error, load),
    );
  };

  /** Try again where nobody answered; else say what is wrong. */
  const failed = (error: unknown, again: () => void) => {
    if (!(error instanceof Problem) || gone.current) return;
    const lasting = error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 429;
    if (lasting) {
      pending.current = null;
      setStatus("saved");
      setProblem(error);
    } else {
      setStatus("waiting");
      timer.current = setTimeout(again, RETRY);
    }
  };

  const send = (revision: number) => {
    const change = pending.current;
    if (change === null) return;
    put("/v1/jobs/{job_id}/corrections", { path, body: { revision, edits: change.edits } }).then(
      (answer) => {
        pending.current = null;
        setSaved(answer);
        setUndone(change.undone);
        setStatus("saved");
        setProblem(null);
      },
      (error: unknown) => failed(error, () => send(revision)),
    );
  };

  const change = (wanted: Change) => {
    if (!saved || pending.current) return;
    pending.current = wanted;
    setStatus("saving");
    setProblem(null);
    send(saved.revision);
  };

  useEffect(() => {
    gone.current = false;
    load();
    return () => {
      gone.current = true;
      clearTimeout(timer.current);
    };
  }, [job]);

  const edits = saved?.edits ?? [];
  return {
    saved,
    undone,
    status,
    problem,
    add: (edit) => change({ edits: [...edits, edit], undone: [] }),
    undo: () => {
      const last = edits.at(-1);
      if (last) change({ edits: edits.slice(0, -1), undone: [last, ...undone] });
    },
    redo: () => {
      const [next, ...rest] = undone;
      if (next) change({ edits: [...edits, next], undone: rest });
    },
    reload: load,
  };
}
