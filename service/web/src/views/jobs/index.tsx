/** Recorded videos: sent, followed, watched with their tracks, scored. */

import type { ViewProperties } from "../../routes";
import { JobList } from "./JobList";
import { JobPage } from "./JobPage";
import "./jobs.css";

export default function Jobs({ parts: [id] }: ViewProperties) {
  return id ? <JobPage key={id} id={id} /> : <JobList />;
}
