// wllama: llama.cpp in wasm, on the processor and on WebGPU. It makes its own worker, from a Blob.

import type { Contender, LoadedContender, LoadSettings, ModelFiles } from "../contender";
import { lastPart } from "../contender";
import { installGpuMeter } from "../gpu_meter";
import { VERSIONS } from "../versions";

export const wllamaWebgpu = contender("wllama-webgpu", "wllama, WebGPU", true);
export const wllamaCpu = contender("wllama-cpu", "wllama, wasm", false);

/** llama.cpp's way to say: all of them. */
const ALL_LAYERS = 99;

function contender(id: string, name: string, gpu: boolean): Contender {
  return {
    id,
    name,
    runsOn: gpu ? "gpu" : "cpu",
    weightsOf: ({ gguf }) => gguf && lastPart(typeof gguf === "string" ? gguf : gguf.name),
    sameWeights: () => true,
    version: async () => VERSIONS.wllama,
    load: (files, settings) => load(files, settings, gpu),
  };
}

async function load({ gguf }: ModelFiles, settings: LoadSettings, gpu: boolean): Promise<LoadedContender> {
  if (gguf === undefined) throw new Error("there is no GGUF file");
  const { context, threads, label } = settings;
  const [{ Wllama }, { default: wasm }] = await Promise.all([
    import("@wllama/wllama"),
    import("@wllama/wllama/esm/wasm/wllama.wasm?url"),
  ]);
  const engine = new Wllama({ default: new URL(wasm, document.baseURI).href }, { suppressNativeLog: true });
  const file = typeof gguf === "string" ? await (await fetch(gguf)).blob() : gguf;
  await metered(label, () =>
    engine.loadModel([file], { n_ctx: context, n_threads: threads, n_gpu_layers: gpu ? ALL_LAYERS : 0, n_parallel: 1 }),
  );
  return {
    async reply(prompt, tokens, signal) {
      const start = performance.now();
      const chunks = await engine.createCompletion({
        prompt,
        max_tokens: tokens,
        temperature: 0,
        ignore_eos: true,
        stream: true,
        abortSignal: signal,
      });
      const arrivals: number[] = [];
      let text = "";
      let counted: { readonly prompt: number; readonly reply: number } | undefined;
      for await (const { choices, usage, timings } of chunks) {
        const piece = choices[0]?.text ?? "";
        text += piece;
        if (piece !== "") arrivals.push(performance.now() - start);
        if (usage) counted = { prompt: usage.prompt_tokens, reply: usage.completion_tokens };
        else if (timings) counted = { prompt: timings.cache_n + timings.prompt_n, reply: timings.predicted_n };
      }
      return { text, tokens: counted?.reply ?? arrivals.length, promptTokens: counted?.prompt, arrivals };
    },
    dispose: () => engine.exit(),
  };
}

/** Runs `work` while the Blobs that become workers get the meter in front. */
async function metered<T>(label: string, work: () => Promise<T>): Promise<T> {
  const meter = `(${installGpuMeter.toString()})(${JSON.stringify(label)});\n`;
  const original = URL.createObjectURL;
  URL.createObjectURL = (object) => {
    const isScript = object instanceof Blob && object.type === "text/javascript";
    return original.call(URL, isScript ? new Blob([meter, object], { type: object.type }) : object);
  };
  try {
    return await work();
  } finally {
    URL.createObjectURL = original;
  }
}
