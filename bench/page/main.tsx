// Starts the page. An address with `run=1` starts a run at once, with the files and settings that it names: what
// run.mjs does, and what can be sent to others.

import { render } from "preact";
import { readAddress } from "./address";
import { App } from "./app";

render(<App start={readAddress(new URL(location.href))} />, document.getElementById("app")!);
