// The table of architectures. One line per model file.

import { gemma3 } from "./gemma3";
import { llama } from "./llama";
import type { Model } from "./model";
import { qwen2 } from "./qwen2";
import { qwen3 } from "./qwen3";

/** By `general.architecture`. */
export const models: ReadonlyMap<string, Model> = new Map(
  [gemma3, llama, qwen2, qwen3].map((model) => [model.architecture, model]),
);
