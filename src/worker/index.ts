// `@fennec/engine/worker`: an engine in a dedicated worker, and its surface on the page's side.

export { connect, type RemoteEngine } from "./client";
export type { Port } from "./endpoint";
export { serve } from "./host";
export type { EngineInfo, RemoteLoadOptions, RemoteSource } from "./messages";
