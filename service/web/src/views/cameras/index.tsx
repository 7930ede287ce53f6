import { Page } from "../../parts/Page";
import { useText } from "../../text";

export default function Cameras() {
  const text = useText();
  return <Page title={text.cameras.title}>{null}</Page>;
}
