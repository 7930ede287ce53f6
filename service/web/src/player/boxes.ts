/** Boxes of a job, fetched in stretches of frames around what is shown. */

import { get, type Schemas } from "../api/client";

export type FrameBoxes = Schemas["FrameBoxes"];

const FRAMES = 500;
/** Stretches that are kept; a long video has more than a tab should hold. */
const MOST = 24;
const TRIES = 4;

interface Stretch {
  frames: FrameBoxes[];
  next: number | null;
}

/** The boxes of one job as of one moment: corrections make another. */
export class Boxes {
  private readonly stretches = new Map<number, Promise<Stretch>>();

  constructor(
    private readonly job: string,
    private readonly facts: Schemas["JobTracksAnswer"],
    private readonly corrected: boolean,
  ) {}

  /** The frame that is shown at a time of the video; null where nobody looked. */
  async at(time: number): Promise<FrameBoxes | null> {
    let first = this.startOf(Math.max(0, Math.round(time * this.rate)));
    // Frames of an uneven rate lie elsewhere than their number says: go on to where they are.
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { frames, next } = await this.stretch(first);
      const [earliest, latest] = [frames[0]?.time ?? null, frames.at(-1)?.time ?? null];
      if (earliest !== null && time < earliest - this.half && first > 0) first = Math.max(0, first - FRAMES);
      else if (latest !== null && next !== null && time > latest + this.span) first = this.startOf(next);
      else return this.among(frames, time);
    }
    return null;
  }

  private among(frames: FrameBoxes[], time: number): FrameBoxes | null {
    let found: FrameBoxes | null = null;
    for (const frame of frames) {
      if (timeOf(frame, this.rate) > time + this.half) break;
      found = frame;
    }
    return found !== null && time - timeOf(found, this.rate) < this.span ? found : null;
  }

  private stretch(first: number): Promise<Stretch> {
    let known = this.stretches.get(first);
    if (!known) {
      known = get("/v1/jobs/{job_id}/boxes", {
        path: { job_id: this.job },
        query: { first, limit: FRAMES, corrected: this.corrected },
      });
      known.catch(() => this.stretches.delete(first));
      this.stretches.set(first, known);
      const oldest = this.stretches.keys().next();
      if (this.stretches.size > MOST && !oldest.done) this.stretches.delete(oldest.value);
    }
    return known;
  }

  /** Stretches have `FRAMES` frames that were looked at, so they begin at multiples of their span. */
  private startOf(frame: number): number {
    const first = this.facts.first ?? 0;
    const span = FRAMES * this.facts.step;
    return frame <= first ? first : first + Math.floor((frame - first) / span) * span;
  }

  private get rate(): number {
    return rateOf(this.facts);
  }

  /** Half a frame, by which the times of a player and of a file may differ. */
  private get half(): number {
    return 0.5 / this.rate;
  }

  /** How long a frame that was looked at stands for those that were left out. */
  private get span(): number {
    return (this.facts.step + 0.5) / this.rate;
  }
}

/** Frames of the video a second, looked at or not. */
export function rateOf({ first, last, first_time, last_time, rate }: Schemas["JobTracksAnswer"]): number {
  const seconds = (last_time ?? 0) - (first_time ?? 0);
  return seconds > 0 ? ((last ?? 0) - (first ?? 0)) / seconds : rate || 25;
}

function timeOf(frame: FrameBoxes, rate: number): number {
  return frame.time ?? frame.frame / rate;
}
