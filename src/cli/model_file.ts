// Opening MODEL: its header alone, or the whole as an engine.

import type { FennecEngine } from "../api/surface";
import type { WeightsFile } from "../files/weights_file";
import { type EngineProgress, type LoadOptions, load, type OnnxChoice } from "../load";
import { recordModel } from "../model/record";
import { openModel } from "../open_model";
import { chatTemplateFromMetadata } from "../text/chat_template";
import { readVocabulary } from "../text/vocabulary";
import type { Args, OptionSpec } from "./command";
import { bytes } from "./format";
import type { Io } from "./io";
import { resolveModel } from "./package_root";

export const BACKENDS = ["webgpu", "onnx", "reference"] as const;
export const PRECISIONS = ["exact", "fast"] as const;
const WEIGHTS = ["exact", "int8-dynamic"] as const;
export const ACTIVATIONS = ["f32", "int8"] as const;
export const KV_TYPES = ["f32", "f16", "int8"] as const;

/** Options of every command that runs a model. */
export const runOptions = {
  backend: { value: "NAME", oneOf: BACKENDS, help: "where it runs; default webgpu, or onnx where that is missing" },
  precision: { value: "NAME", oneOf: PRECISIONS, help: "exact: f32 throughout; fast: keys and values as f16" },
  kv: { value: "TYPE", oneOf: KV_TYPES, help: "type of keys and values; default f32 for exact, f16 for fast" },
  activations: {
    value: "TYPE",
    oneOf: ACTIVATIONS,
    help: "what matrices are multiplied with: int8 rounds to 8 bits; default f32",
  },
  threads: { value: "N", help: "threads of the processor, for onnx; default half of its cores, at most 4" },
  weights: {
    value: "FORM",
    oneOf: WEIGHTS,
    help: "for onnx: int8-dynamic takes a quarter of the memory and rounds to 8 bits; default exact",
  },
} as const satisfies Record<string, OptionSpec>;

/** Reads the header, runs `work`, closes the file. */
export async function withHeader<T>(args: Args, io: Io, work: (file: WeightsFile) => Promise<T> | T): Promise<T> {
  const file = await openModel(resolveModel(args.model), { signal: io.signal });
  try {
    return await work(file);
  } finally {
    file.dispose();
  }
}

/**
 * What a chat needs, before the weights are loaded for nothing. First whether the model runs at all: nobody should be
 * told to try `--raw` with one that does not.
 *
 * @throws FennecError as `recordModel`; `no-chat-template`, `tokenizer-*`.
 */
export function checkChat(args: Args, io: Io): Promise<void> {
  return withHeader(args, io, (file) => {
    recordModel(file);
    const { metadata } = file;
    chatTemplateFromMetadata(metadata);
    readVocabulary(metadata);
  });
}

/** Loads the model with the options of {@link runOptions}, runs `work`, frees it. */
export async function withEngine<T>(
  args: Args,
  io: Io,
  options: Pick<LoadOptions, "precision" | "context">,
  work: (engine: FennecEngine) => Promise<T>,
): Promise<T> {
  const precision = args.choice("precision", PRECISIONS) ?? options.precision;
  const backend = args.choice("backend", BACKENDS);
  const kv = args.choice("kv", KV_TYPES);
  const activations = args.choice("activations", ACTIVATIONS);
  const engine = await load(resolveModel(args.model), {
    slots: 1,
    signal: io.signal,
    onProgress: progressLine(io),
    onBackendChange({ state, reason, backend }) {
      if (state === "lost") io.note(`the GPU was lost; the model is loaded again. ${reason}`);
      if (state === "replaced") io.note(`goes on where it was, on ${backend.adapter}.`);
    },
    ...(precision && { precision }),
    ...(backend && { backend }),
    ...(kv && { kv }),
    ...(activations && { activations }),
    onnx: onnxChoice(args),
    ...(options.context !== undefined && { context: options.context }),
  });
  io.progress(undefined);
  const { reason, adapter: where } = engine.backend;
  if (reason !== undefined) io.note(`runs without WebGPU, on ${where}. ${reason}`);
  try {
    return await work(engine);
  } finally {
    engine.dispose();
  }
}

export function onnxChoice(args: Args): OnnxChoice {
  const threads = args.integer("threads", 1);
  const weights = args.choice("weights", WEIGHTS);
  return { ...(threads !== undefined && { threads }), ...(weights && { weights }) };
}

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 100;

function progressLine(io: Io): (progress: EngineProgress) => void {
  let started: number | undefined;
  let next = 0;
  return ({ phase, bytesLoaded, bytesTotal }) => {
    if (phase === "ready") return io.progress(undefined);
    if (phase !== "weights" || bytesTotal === 0) return io.progress(`${phase} ...`);
    const now = performance.now();
    if (now < next) return;
    next = now + PROGRESS_MS;
    started ??= now;
    const speed = (bytesLoaded / Math.max(1, now - started)) * 1000;
    const percent = Math.floor((100 * bytesLoaded) / bytesTotal);
    io.progress(`loading ${percent}%  ${bytes(bytesLoaded)} of ${bytes(bytesTotal)}  ${bytes(speed)}/s`);
  };
}

/** The file's context, or what was asked for where that is less. */
export function contextOption(args: Args): { readonly context?: number } {
  const context = args.integer("context", 1);
  return context === undefined ? {} : { context };
}
