// Fennec on WebGPU and on ONNX Runtime, in a worker as applications run it; and as the reference of replies.

import { connect, type RemoteEngine } from "@fennec/engine/worker";
import { type Contender, type LoadedContender, type LoadSettings, lastPart, type ModelFiles } from "../contender";
import { VERSIONS } from "../versions";

type Kind = "webgpu" | "onnx" | "reference";

export const fennecWebgpu = contender("fennec-webgpu", "Fennec, WebGPU", "webgpu");
export const fennecOnnx = contender("fennec-onnx", "Fennec, ONNX wasm", "onnx");

function contender(id: string, name: string, kind: Kind): Contender {
  return {
    id,
    name,
    runsOn: kind === "webgpu" ? "gpu" : "cpu",
    weightsOf: ({ gguf }) => gguf && lastPart(typeof gguf === "string" ? gguf : gguf.name),
    sameWeights: () => true,
    version: async () => VERSIONS.fennec,
    load: (files, settings) => load(files, settings, kind),
  };
}

async function load(files: ModelFiles, settings: LoadSettings, kind: Kind): Promise<LoadedContender> {
  const { engine, close } = await open(files, settings, kind);
  return {
    async reply(prompt, tokens, signal) {
      const start = performance.now();
      const generation = engine.generate(prompt, {
        temperature: 0,
        maxTokens: tokens,
        ignoreStopTokens: true,
        repetitionPenalty: 1,
        signal,
      });
      const arrivals: number[] = [];
      for await (const _ of generation) arrivals.push(performance.now() - start);
      const { text, usage } = await generation.result;
      return { text, tokens: usage.completion_tokens, promptTokens: usage.prompt_tokens, arrivals };
    },
    dispose: close,
  };
}

async function open(files: ModelFiles, { context, label }: LoadSettings, kind: Kind) {
  if (files.gguf === undefined) throw new Error("there is no GGUF file");
  const worker = new Worker(new URL("./fennec_worker.ts", import.meta.url), { type: "module", name: label });
  const engine = connect(worker);
  const close = () => {
    engine.dispose();
    worker.terminate();
  };
  try {
    const precision = kind === "reference" ? "exact" : "fast";
    await engine.load(files.gguf, { backend: kind, context, slots: 1, precision, cache: false });
    return { engine, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Files up to so many bytes are computed in f64 by plain TypeScript; larger ones by ONNX Runtime in f32. */
const REFERENCE_BYTES = 16e6;

/** An engine that is known to be right, for the text that the others are compared with. */
export async function openReference(files: ModelFiles, context: number) {
  const bytes = await sizeOf(files.gguf);
  const kind = bytes <= REFERENCE_BYTES ? "reference" : "onnx";
  const { engine, close } = await open(files, { context, threads: 1, label: "reference" }, kind);
  return {
    by: kind === "reference" ? "Fennec's reference, f64" : "Fennec on ONNX Runtime, f32",
    count: (text: string) => engine.countTokens(text),
    reply: (prompt: string, tokens: number) => referenceReply(engine, prompt, tokens),
    close,
  };
}

async function referenceReply(engine: RemoteEngine, prompt: string, tokens: number) {
  const generation = engine.generate(prompt, { temperature: 0, maxTokens: tokens, repetitionPenalty: 1 });
  const pieces: string[] = [];
  for await (const { text } of generation) pieces.push(text);
  const { text, finishReason } = await generation.result;
  // A reply that the model ended: its last token is the end itself, which the others are not allowed.
  return { text, pieces: finishReason === "stop" ? pieces.slice(0, -1) : pieces };
}

async function sizeOf(gguf: File | string | undefined): Promise<number> {
  if (gguf instanceof File) return gguf.size;
  if (gguf === undefined || gguf.startsWith("hf:")) return Number.POSITIVE_INFINITY;
  const head = await fetch(gguf, { method: "HEAD" });
  return Number(head.headers.get("content-length") ?? Number.POSITIVE_INFINITY);
}
