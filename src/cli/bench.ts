// fennec bench: how fast models run here, how far that is from what the device allows, and whether the logits are right.
// The benchmark itself is in bench/, and is imported when the command runs.

import { appendFile } from "node:fs/promises";
import type { BenchModel, BenchOptions } from "../../bench/run";
import type { ShapeName, ShapeType } from "../../bench/shapes";
import { FennecError } from "../errors";
import { type Args, type Command, usage } from "./command";
import { ACTIVATIONS, BACKENDS, KV_TYPES, onnxChoice, PRECISIONS, runOptions } from "./model_file";
import { packageVersion, resolveModel } from "./package_root";

const SHAPES: readonly ShapeName[] = ["smollm2-135m", "gemma3-270m", "qwen2-0.5b", "qwen3-0.6b", "llama-3.2-1b"];
const TYPES: readonly ShapeType[] = ["F16", "Q8_0", "Q4_0", "Q4_0_pure", "Q4_K"];

export const bench: Command = {
  name: "bench",
  summary: "Speed of prompts and replies, beside what the device allows, with a check of the logits.",
  model: true,
  severalModels: true,
  options: {
    shape: {
      value: "NAME",
      several: true,
      oneOf: SHAPES,
      help: "a model of this shape with random weights; repeatable",
    },
    type: { value: "TYPE", several: true, oneOf: TYPES, help: "weight type of the shapes; default Q4_0; repeatable" },
    "prompt-tokens": { value: "N", help: "length of prompts; default 512; 0 measures none" },
    "gen-tokens": { value: "N", help: "length of replies; default 128; 0 measures none" },
    depth: { value: "N,N", help: "tokens in the context before either begins; default 0" },
    batch: { value: "N,N", help: "replies at once; default 1" },
    repeat: { value: "N", help: "measurements of each, of which the median counts; default 3" },
    profile: {
      help: "GPU time by kernel beside each row; on a GPU, rows under 60 percent of the floor have it anyway",
    },
    ...runOptions,
    dawn: { value: "SWITCH", several: true, help: "a switch of Dawn in Node, like enable-dawn-features=NAME" },
    folder: { value: "DIR", help: "where files of shapes are made and kept; default a temporary folder" },
    append: { value: "FILE", help: "add each row to this file as a line of JSON as soon as it is measured" },
    json: { help: "as JSON" },
  },
  async run(args, io) {
    const { runBench } = await import("../../bench/run");
    const { reportText } = await import("../../bench/report");
    const lines = args.text("append");
    const options: BenchOptions = {
      models: modelsOf(args),
      sizes: {
        prompt: args.integer("prompt-tokens", 0) ?? 512,
        gen: args.integer("gen-tokens", 0) ?? 128,
        depths: numbers(args, "depth", 0, [0]),
        batches: numbers(args, "batch", 1, [1]),
        repeat: args.integer("repeat", 1) ?? 3,
      },
      backend: args.choice("backend", BACKENDS),
      precision: args.choice("precision", PRECISIONS) ?? "fast",
      kv: args.choice("kv", KV_TYPES),
      activations: args.choice("activations", ACTIVATIONS),
      onnx: onnxChoice(args),
      profile: args.has("profile"),
      folder: args.text("folder"),
      dawn: args.texts("dawn"),
      version: packageVersion(),
      signal: io.signal,
      onProgress: (what) => io.progress(what),
      onNote: (line) => io.note(line),
      onRow: async (row) => {
        if (lines !== undefined) await appendFile(lines, `${JSON.stringify(row)}\n`);
      },
    };
    const report = await runBench(options);
    await io.out(args.has("json") ? `${JSON.stringify(report)}\n` : reportText(report));
    const [wrong] = report.refused;
    if (wrong) throw new FennecError("self-test-failed", `${wrong.model}: ${wrong.reason}`);
  },
};

function modelsOf(args: Args): BenchModel[] {
  const known = <T extends string>(option: string, values: readonly T[]): T[] =>
    args.texts(option).map((text) => {
      const found = values.find((one) => one === text);
      if (found) return found;
      throw usage(`--${option} is one of ${values.join(", ")}; got "${text}"`);
    });
  const shapes = known("shape", SHAPES);
  const types = known("type", TYPES);
  if (types.length > 0 && shapes.length === 0) throw usage("--type is for --shape; a model file has its own types");
  const made = shapes.flatMap((shape) =>
    (types.length > 0 ? types : ["Q4_0" as const]).map((type) => ({ shape, type })),
  );
  const given = args.models.length > 0 || made.length > 0 ? args.models : [undefined];
  return [...given.map((model) => ({ path: resolveModel(model) })), ...made];
}

/** Whole numbers separated by commas, rising as they should be measured: what is deep reuses what is not. */
function numbers(args: Args, option: string, least: number, absent: readonly number[]): readonly number[] {
  const text = args.text(option);
  if (text === undefined) return absent;
  const values = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (values.every((value) => Number.isSafeInteger(value) && value >= least)) {
    return [...new Set(values)].sort((a, b) => a - b);
  }
  throw usage(`--${option} takes whole numbers of at least ${least}, like 0,4096; got "${text}"`);
}
