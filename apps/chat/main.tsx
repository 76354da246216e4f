// Starts the page: state, engine worker, view, and the service worker that lets it open without the server.

import { render } from "preact";
import { App } from "./app";
import { createController } from "./chat_controller";
import { type ChatState, createStore } from "./chat_state";
import { loadConversation, loadSettings } from "./storage";

const store = createStore<ChatState>({
  model: undefined,
  loading: undefined,
  kept: [],
  messages: loadConversation(),
  generating: false,
  problem: undefined,
  device: undefined,
  noGpu: undefined,
  settings: loadSettings(),
});
const controller = createController(store);

render(<App store={store} controller={controller} />, document.getElementById("app")!);
void controller.start();

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  navigator.serviceWorker
    .register(new URL("service_worker.js", document.baseURI))
    .catch((error: unknown) => console.warn("the page will not open offline:", error));
}
