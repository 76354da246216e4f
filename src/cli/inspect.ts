// fennec inspect: what a model file holds, what it needs, and whether it would run. Reads the header only.

import { FORMATS } from "../../kernels/quant/index";
import { models } from "../../models/index";
import { isFennecError } from "../errors";
import { type Inspection, inspectFile } from "../files/inspect";
import type { WeightsFile } from "../files/weights_file";
import { recordModel } from "../model/record";
import { tokenizerFromMetadata } from "../text/tokenizer";
import { type Command, table } from "./command";
import { bytes, count } from "./format";
import { withHeader } from "./model_file";

export const inspect: Command = {
  name: "inspect",
  summary: "What a model file holds, what it needs and whether it runs.",
  model: true,
  options: { json: { help: "as JSON" } },
  run: (args, io) =>
    withHeader(args, io, async (file) => {
      const seen = examine(file);
      await io.out(args.has("json") ? `${JSON.stringify(seen, null, 2)}\n` : describe(seen));
    }),
};

/** As `load` has it. */
const DEFAULT_CONTEXT = 4096;

interface Examined extends Inspection {
  /** Why text cannot be turned into tokens; absent when it can. */
  readonly tokenizerProblem?: string;
}

function examine(file: WeightsFile): Examined {
  const seen = inspectFile(file, { architectures: new Set(models.keys()), types: new Set(FORMATS.keys()) });
  // Recording finds what a list of names cannot: a missing tensor, a wrong shape, an odd key.
  const deeper = seen.runs ? problemOf(() => recordModel(file)) : undefined;
  const problems = deeper === undefined ? seen.problems : [...seen.problems, deeper];
  const tokenizerProblem = problemOf(() => tokenizerFromMetadata(file.metadata));
  return {
    ...seen,
    runs: problems.length === 0,
    problems,
    ...(tokenizerProblem !== undefined && { tokenizerProblem }),
  };
}

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isFennecError(error)) return error.message;
    throw error;
  }
}

/** Weights and the KV of the context that `load` takes when not asked for another, in `fast`. */
function together({ memory, contextTokens }: Examined): string | undefined {
  const perToken = memory.kvBytesPerTokenF16;
  if (perToken === undefined) return undefined;
  const tokens = Math.min(contextTokens ?? DEFAULT_CONTEXT, DEFAULT_CONTEXT);
  return `about ${bytes(memory.weightsBytes + perToken * tokens)} with ${tokens} tokens of context, and up to 64 MB more`;
}

function describe(seen: Examined): string {
  const { memory, tokenizer, contextTokens } = seen;
  const kv = (perToken: number | undefined): string | undefined =>
    perToken === undefined ? undefined : `${bytes(perToken)} a token`;
  const rows: readonly (readonly [string, string | number | undefined])[] = [
    ["file", seen.file],
    ["format", `${seen.format}, ${bytes(seen.bytes)}`],
    ["name", seen.name],
    ["license", seen.license],
    ["architecture", seen.architecture],
    ["parameters", `${count(seen.parameters)} in ${seen.tensors} tensors`],
    ["layers, width", seen.layers && seen.dim && `${seen.layers}, ${seen.dim}`],
    ["vocabulary", seen.vocab],
    ["context", contextTokens && `${contextTokens} tokens`],
    ...seen.types.map(
      ({ type, tensors, bytes: size, supported }) =>
        [`weights ${type}`, `${bytes(size)} in ${tensors} tensors${supported ? "" : " (not supported)"}`] as const,
    ),
    [
      "tokenizer",
      tokenizer && `${tokenizer.kind}${tokenizer.pre ? ` (${tokenizer.pre})` : ""}, ${tokenizer.tokens} tokens`,
    ],
    ["text", seen.tokenizerProblem ?? "yes"],
    ["chat template", seen.hasChatTemplate ? "yes" : "no: plain completion only"],
    ["memory: weights", bytes(memory.weightsBytes)],
    ["memory: KV f16", kv(memory.kvBytesPerTokenF16)],
    ["memory: KV f32", kv(memory.kvBytesPerTokenF32)],
    ["memory: together", together(seen)],
    ["runs", seen.runs ? "yes" : `no: ${seen.problems.join("; ")}`],
  ];
  return table(rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const])));
}
