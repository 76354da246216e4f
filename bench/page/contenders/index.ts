// All engines that the page knows, in the order in which they are shown. A new one is a file and a line here.

import type { Contender } from "../contender";
import { fennecOnnx, fennecWebgpu } from "./fennec";
import { transformersWasm, transformersWebgpu } from "./transformers";
import { webLlm } from "./web_llm";
import { wllamaCpu, wllamaWebgpu } from "./wllama";

export const CONTENDERS: readonly Contender[] = [
  fennecWebgpu,
  wllamaWebgpu,
  transformersWebgpu,
  webLlm,
  fennecOnnx,
  wllamaCpu,
  transformersWasm,
];
