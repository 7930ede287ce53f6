/** Cameras: all of them as a wall, one of them large, the form that adds or changes one. */

import { useCameras } from "../../live/cameras";
import { EmptyState } from "../../parts/EmptyState";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import type { ViewProperties } from "../../routes";
import { useText } from "../../text";
import { CameraForm } from "./CameraForm";
import { One } from "./One";
import { Wall } from "./Wall";
import "./cameras.css";

export default function Cameras({ parts, query }: ViewProperties) {
  const text = useText().cameras;
  const { cameras, problem, reload } = useCameras();
  const [id] = parts;
  const action = query.get("do");

  if (!cameras) {
    return (
      <Page title={text.title}>
        <ProblemNotice problem={problem} />
      </Page>
    );
  }
  if (id === undefined) {
    return action === "add" ? <CameraForm cameras={cameras} onSaved={reload} /> : <Wall cameras={cameras} />;
  }
  const camera = cameras.find((one) => one.id === id);
  if (!camera) {
    return (
      <Page title={text.one.gone}>
        <EmptyState title={text.one.gone}>{text.one.goneHint}</EmptyState>
      </Page>
    );
  }
  return action === "edit" ? (
    <CameraForm key={id} camera={camera} cameras={cameras} onSaved={reload} />
  ) : (
    <One key={id} camera={camera} onChanged={reload} />
  );
}
