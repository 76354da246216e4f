// Transformers.js: an ONNX export on ONNX Runtime Web, on WebGPU and on the processor.

import type { Contender, LoadedContender, LoadSettings, ModelFiles, Reply } from "../contender";
import { lastPart } from "../contender";
import { VERSIONS } from "../versions";
import type { FromTransformers, ToTransformers } from "./transformers_protocol";

export const transformersWebgpu = contender("transformers-webgpu", "Transformers.js, WebGPU", "webgpu");
export const transformersWasm = contender("transformers-wasm", "Transformers.js, wasm", "wasm");

function contender(id: string, name: string, device: "webgpu" | "wasm"): Contender {
  const runsOn = device === "webgpu" ? "gpu" : "cpu";
  return {
    id,
    name,
    runsOn,
    weightsOf({ onnx, onnxTypes }) {
      if (onnx === undefined || onnx.length === 0) return undefined;
      const folder = typeof onnx === "string" ? onnx : (onnx[0]!.webkitRelativePath.split("/")[0] ?? "folder");
      return `${lastPart(folder)} (${onnxTypes?.[runsOn] ?? "its default"})`;
    },
    sameWeights: ({ onnxHasSameWeights }) => onnxHasSameWeights ?? false,
    version: async () => VERSIONS.transformers,
    load: (files, settings) => load(files, settings, device),
  };
}

async function load(files: ModelFiles, settings: LoadSettings, device: "webgpu" | "wasm"): Promise<LoadedContender> {
  const { onnx: source, onnxTypes } = files;
  const dtype = onnxTypes?.[device === "webgpu" ? "gpu" : "cpu"];
  if (source === undefined) throw new Error("there is no ONNX folder");
  const worker = new Worker(new URL("./transformers_worker.ts", import.meta.url), {
    type: "module",
    name: settings.label,
  });
  const post = (message: ToTransformers) => worker.postMessage(message);
  /** Posts, and resolves with the answer; tokens before it are told. */
  const ask = <T extends FromTransformers["type"]>(message: ToTransformers, answer: T, onToken = () => {}) =>
    new Promise<Extract<FromTransformers, { type: T }>>((resolve, reject) => {
      worker.onerror = ({ message: text }) => reject(new Error(text || "the worker could not start"));
      worker.onmessage = ({ data }: MessageEvent<FromTransformers>) => {
        if (data.type === "token") onToken();
        else if (data.type === "error") reject(new Error(data.message));
        else if (data.type === answer) resolve(data as Extract<FromTransformers, { type: T }>);
      };
      post(message);
    });
  try {
    const resolved =
      typeof source === "string" && /^(https?:|\/|\.)/.test(source) ? new URL(source, document.baseURI).href : source;
    await ask({ type: "load", source: resolved, device, threads: settings.threads, ...(dtype && { dtype }) }, "ready");
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    async reply(prompt, tokens): Promise<Reply> {
      const arrivals: number[] = [];
      const start = performance.now();
      const done = await ask({ type: "reply", prompt, tokens }, "done", () => arrivals.push(performance.now() - start));
      // The first callback is the prompt's.
      const ofReply = arrivals.slice(Math.max(0, arrivals.length - done.tokens));
      return { text: done.text, tokens: done.tokens, promptTokens: done.promptTokens, arrivals: ofReply };
    },
    dispose: () => worker.terminate(),
  };
}
