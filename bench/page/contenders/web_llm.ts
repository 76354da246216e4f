// WebLLM: models compiled ahead by MLC, with a wasm library for each. Runs what it has of its own, with weights of its own,
// or a folder and a library that it is given the address of; mlc_folder.mjs writes a GGUF file's weights as such a folder.

import type { Contender, LoadedContender, LoadSettings, ModelFiles } from "../contender";
import { lastPart } from "../contender";
import { VERSIONS } from "../versions";

export const webLlm: Contender = {
  id: "webllm",
  name: "WebLLM",
  runsOn: "gpu",
  weightsOf: ({ mlc }) => mlc && [lastPart(mlc.model), ...(mlc.library ? [lastPart(mlc.library)] : [])].join(", "),
  sameWeights: ({ mlc }) => mlc?.sameWeights ?? false,
  version: async () => VERSIONS.webLlm,
  load,
};

async function load({ mlc }: ModelFiles, { context, label }: LoadSettings): Promise<LoadedContender> {
  if (!mlc) throw new Error("there is no model for WebLLM");
  const { CreateWebWorkerMLCEngine, prebuiltAppConfig } = await import("@mlc-ai/web-llm");
  const given = givenModel(mlc);
  const worker = new Worker(new URL("./web_llm_worker.ts", import.meta.url), { type: "module", name: label });
  const ended = new Promise<never>((_, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message || "the worker could not start"));
  });
  const appConfig = given ? { model_list: [given] } : prebuiltAppConfig;
  const id = given?.model_id ?? mlc.model;
  try {
    if (given) await forget(given.model);
    const loading = CreateWebWorkerMLCEngine(worker, id, { appConfig }, { context_window_size: context });
    const engine = await Promise.race([loading, ended]);
    if (given) await forget(given.model);
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
        let isWhole = false;
        let counted: { readonly prompt: number; readonly reply: number } | undefined;
        for await (const { choices, usage } of chunks) {
          const piece = choices[0]?.text ?? "";
          text += piece;
          if (piece !== "") arrivals.push(performance.now() - start);
          isWhole ||= choices[0]?.finish_reason === "length";
          if (usage) counted = { prompt: usage.prompt_tokens, reply: usage.completion_tokens };
        }
        // Its own count of the reply leaves the first token out in some releases (0.2.79).
        const made = isWhole ? tokens : (counted?.reply ?? arrivals.length);
        return { text, tokens: made, promptTokens: counted?.prompt, arrivals };
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

/** A folder and a library as a list of models has them; undefined for a name of WebLLM's own list. */
function givenModel({ model, library }: NonNullable<ModelFiles["mlc"]>) {
  if (library === undefined) return undefined;
  const address = (name: string) => new URL(name, document.baseURI).href;
  return { model: asItIs(address(model)), model_id: "given-model", model_lib: address(library) };
}

/**
 * The address of a folder so that WebLLM takes it as it is: to one without `/resolve/` it adds the hub's `resolve/main/`.
 * Source: `cleanModelUrl` in WebLLM's support.ts (0.2.79 and 0.2.86), which takes this detour out again afterwards.
 */
function asItIs(folder: string): string {
  return `${folder.replace(/\/?$/, "/")}resolve/main/../../`;
}

/** WebLLM's caches in the browser. Source: its engine.ts. */
const CACHES = ["webllm/model", "webllm/config", "webllm/wasm"];

/**
 * Takes a folder's files out of the browser's storage, where WebLLM keeps all that it loads, by address and for ever:
 * another run may have others under the same address, and nobody would look for these again.
 */
async function forget(model: string): Promise<void> {
  const folder = new URL(model).href;
  for (const name of CACHES) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) if (request.url.startsWith(folder)) await cache.delete(request);
  }
}
