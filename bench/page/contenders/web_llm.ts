// WebLLM: models compiled ahead by MLC, with a wasm library for each. Runs what it has of its own or is given the address
// of; it cannot read GGUF or ONNX, so that its weights are others.

import type { Contender, LoadedContender, LoadSettings, ModelFiles } from "../contender";
import { lastPart } from "../contender";
import { VERSIONS } from "../versions";

export const webLlm: Contender = {
  id: "webllm",
  name: "WebLLM",
  runsOn: "gpu",
  weightsOf: ({ mlc }) => mlc && lastPart(mlc.model),
  sameWeights: () => false,
  version: async () => VERSIONS.webLlm,
  load,
};

const OWN_MODEL = "given-model";

async function load({ mlc }: ModelFiles, { context, label }: LoadSettings): Promise<LoadedContender> {
  if (!mlc) throw new Error("there is no model for WebLLM");
  const { CreateWebWorkerMLCEngine, prebuiltAppConfig } = await import("@mlc-ai/web-llm");
  const worker = new Worker(new URL("./web_llm_worker.ts", import.meta.url), { type: "module", name: label });
  const absolute = (url: string) => new URL(url, document.baseURI).href;
  const own = mlc.library !== undefined;
  const appConfig = own
    ? {
        model_list: [{ model: absolute(mlc.model), model_id: OWN_MODEL, model_lib: absolute(mlc.library!) }],
      }
    : prebuiltAppConfig;
  try {
    const id = own ? OWN_MODEL : mlc.model;
    const engine = await CreateWebWorkerMLCEngine(worker, id, { appConfig }, { context_window_size: context });
    return {
      async reply(prompt, tokens) {
        const start = performance.now();
        const chunks = await engine.completions.create({
          prompt,
          max_tokens: tokens,
          temperature: 0,
          ignore_eos: true,
          stream: true,
          stream_options: { include_usage: true },
        });
        const arrivals: number[] = [];
        let text = "";
        let counted: { readonly prompt: number; readonly reply: number } | undefined;
        for await (const { choices, usage } of chunks) {
          const piece = choices[0]?.text ?? "";
          text += piece;
          if (piece !== "") arrivals.push(performance.now() - start);
          if (usage) counted = { prompt: usage.prompt_tokens, reply: usage.completion_tokens };
        }
        return { text, tokens: counted?.reply ?? arrivals.length, promptTokens: counted?.prompt, arrivals };
      },
      async dispose() {
        await engine.unload();
        worker.terminate();
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}
