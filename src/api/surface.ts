// Puts the OpenAI-shaped surface on an engine.

import type { Engine } from "../engine/engine";
import { createChatCompletions } from "./chat";
import { createCompletions } from "./completions";
import type { OpenAiSurface } from "./types";

/** What `load` gives: an engine with `chat.completions` and `completions`. */
export type FennecEngine = Engine & OpenAiSurface;

export function withOpenAiSurface(engine: Engine): FennecEngine {
  return Object.assign(engine, {
    chat: { completions: { create: createChatCompletions(engine) } },
    completions: { create: createCompletions(engine) },
  });
}
