// fennec export-onnx: a model file as a folder that Transformers.js opens: graph, weights, tokenizer, settings. Written
// beside DIR and renamed, so that DIR is whole or not there.

import { access, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExportedModel, type ExportType, exportModel, exportTypes } from "../backends/onnx/export_model";
import { FennecError, isFennecError } from "../errors";
import type { JsonObject } from "../files/json";
import { reasonOf } from "../files/source_util";
import type { WeightsFile } from "../files/weights_file";
import type { Graph } from "../graph/graph";
import {
  type ExportSizes,
  exportConfig,
  exportGenerationConfig,
  exportTokenizerConfig,
} from "../hugging_face/export_config";
import { recordModel } from "../model/record";
import { tokenizerFromMetadata } from "../text/tokenizer";
import { tokenizerJson } from "../text/tokenizer_json";
import { hasTokenizer } from "../text/vocabulary";
import { type Args, type Command, usage } from "./command";
import { bytes } from "./format";
import type { Io } from "./io";
import { withHeader } from "./model_file";

const TYPES = ["fp32", "q8", "q4"] as const satisfies readonly ExportType[];

/** Rotary tables have a row per position; longer contexts are asked for by --context. */
const DEFAULT_CONTEXT = 32_768;

export const exportOnnx: Command = {
  name: "export-onnx",
  summary: "The model as an ONNX folder in the layout of Transformers.js, with the same weights.",
  model: true,
  output: true,
  options: {
    dtype: {
      value: "T",
      oneOf: TYPES,
      help: "one form only; default fp32, and q8 or q4 beside it where the file has Q8_0 or Q4_0 matrices. No form loses anything",
    },
    context: { value: "N", help: `longest sequence; default the model's, up to ${DEFAULT_CONTEXT}` },
    force: { help: "replace DIR when it is there" },
  },
  async run(args, io) {
    const out = args.output;
    if (args.model === undefined || out === undefined) throw usage("name the file to read and the folder to write");
    const there = await isThere(out);
    if (there && !args.has("force")) throw usage(`${out} is there already; --force replaces it`);
    if (there && !(await isThere(join(out, "onnx"))))
      throw usage(`${out} is no folder of an exported model; --force replaces only such`);
    await withHeader(args, io, async (file) => {
      const partial = `${out}.${process.pid}.partial`;
      try {
        await writeFolder(partial, file, args, io);
        if (there) await rm(out, { recursive: true });
        await rename(partial, out);
      } catch (error) {
        await rm(partial, { recursive: true, force: true }).catch(() => undefined);
        throw isFennecError(error) ? error : cannotWrite(out, error);
      } finally {
        io.progress(undefined);
      }
    });
  },
};

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function writeFolder(folder: string, file: WeightsFile, args: Args, io: Io): Promise<void> {
  const { graph, config } = recordModel(file);
  const context = Math.min(args.integer("context", 1) ?? DEFAULT_CONTEXT, config.context);
  const possible = exportTypes(graph, file);
  const asked = args.choice("dtype", TYPES);
  if (asked && !possible.includes(asked))
    throw usage(`--dtype ${asked}: ${file.name} has no matrices in that form; possible: ${possible.join(", ")}`);
  const models = (asked ? [asked] : possible).map((type) =>
    exportModel({ graph, file, context, signal: io.signal }, type),
  );

  await mkdir(join(folder, "onnx"), { recursive: true });
  const json = (name: string, object: JsonObject) =>
    writeFile(join(folder, name), `${JSON.stringify(object, null, 2)}\n`);
  const dataFiles = Object.fromEntries(models.map(({ name, data }) => [name, data.length]));
  await json("config.json", {
    ...exportConfig(file, sizesOf(graph, config, context)),
    "transformers.js_config": { dtype: models[0]!.type, use_external_data_format: dataFiles },
  });
  await json("generation_config.json", exportGenerationConfig(file));
  if (hasTokenizer(file.metadata)) {
    await json("tokenizer.json", tokenizerJson(file.metadata));
    await json("tokenizer_config.json", exportTokenizerConfig(file, tokenizerFromMetadata(file.metadata), context));
  } else io.note(`${file.name} has no tokenizer: the folder runs on token ids only`);
  for (const model of models) await writeModel(join(folder, "onnx"), model, io);
}

async function writeModel(folder: string, { type, name, model, data }: ExportedModel, io: Io): Promise<void> {
  await writeFile(join(folder, name), model);
  const total = data.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  for (const file of data) {
    const handle = await open(join(folder, file.name), "wx");
    try {
      for await (const piece of file.pieces()) {
        io.signal.throwIfAborted();
        await handle.writeFile(piece);
        done += piece.length;
        io.progress(`${name} ${Math.floor((100 * done) / total)}%`);
      }
    } finally {
      await handle.close();
    }
  }
  const files = data.length === 1 ? "1 file" : `${data.length} files`;
  await io.out(`onnx/${name}: dtype ${type}, ${bytes(total)} of weights in ${files}\n`);
}

function sizesOf(graph: Graph, config: { readonly dim: number; readonly vocab: number }, context: number): ExportSizes {
  const { kvHeads, headDim } = graph.caches[0]!;
  const attention = graph.nodes.find((node) => node.op === "attention")!;
  const heads = attention.q.width / headDim;
  return { layers: graph.caches.length, dim: config.dim, heads, kvHeads, headDim, vocab: config.vocab, context };
}

function cannotWrite(path: string, error: unknown): FennecError {
  const full = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
  return full
    ? new FennecError("quota-exceeded", `${path}: the disk is full; nothing was kept of it.`, { cause: error })
    : new FennecError("source-unreadable", `${path}: cannot be written: ${reasonOf(error)}`, { cause: error });
}
