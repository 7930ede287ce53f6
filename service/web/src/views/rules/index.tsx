import { useAnswer } from "../../api/hooks";
import { CameraChoice } from "../../parts/CameraChoice";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { hrefOf, navigate, type ViewProperties } from "../../routes";
import { useText } from "../../text";
import { Editor } from "./Editor";
import { shapesOf } from "./shapes";
import "./rules.css";

/** `#/rules/entrance`: what is drawn into the picture of a camera; the first one if none is named. */
export default function Rules({ parts: [wanted] }: ViewProperties) {
  const text = useText();
  const streams = useAnswer("/v1/streams", { query: { limit: 500 } });
  const cameras = streams.data?.items ?? [];
  const stream = wanted ?? cameras[0]?.id;
  return (
    <Page
      title={text.rules.title}
      actions={
        stream && (
          <CameraChoice cameras={cameras} value={stream} onValue={(id) => navigate(hrefOf("rules", id))} />
        )
      }
    >
      <ProblemNotice problem={streams.problem} />
      {stream && <Loaded key={stream} stream={stream} />}
      {streams.data && cameras.length === 0 && (
        <EmptyState title={text.rules.noCamera}>
          <a class="button" href={hrefOf("cameras")}>
            {text.rules.addCamera}
          </a>
        </EmptyState>
      )}
    </Page>
  );
}

/** The editor, once it is known what is drawn. */
function Loaded({ stream }: { stream: string }) {
  const text = useText();
  const options = { path: { stream_id: stream } };
  const lines = useAnswer("/v1/streams/{stream_id}/lines", options);
  const zones = useAnswer("/v1/streams/{stream_id}/zones", options);
  const masks = useAnswer("/v1/streams/{stream_id}/masks", options);
  const problem = lines.problem ?? zones.problem ?? masks.problem;
  if (problem) return <ProblemNotice problem={problem} />;
  if (!lines.data || !zones.data || !masks.data) return <p class="quiet">{text.shell.loading}</p>;
  return <Editor stream={stream} loaded={shapesOf(lines.data.lines, zones.data.zones, masks.data.masks)} />;
}
