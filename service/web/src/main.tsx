import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import { render } from "preact";
import { App } from "./app";
import { speakAsChosen } from "./text";

const root = document.getElementById("root");
if (root) void speakAsChosen().finally(() => render(<App />, root));
