// fennec quantize: a model file in another weight type. Writes beside OUT and renames, so that OUT is whole or not there.

import { type FileHandle, open, realpath, rename, rm } from "node:fs/promises";
import { FennecError, isFennecError } from "../errors";
import { reasonOf } from "../files/source_util";
import { type KeepRule, type QuantizeOptions, quantizeModel, type TensorReport } from "../quantize/index";
import { type Args, type Command, usage } from "./command";
import { bytes, rounded } from "./format";
import type { Io } from "./io";
import { withHeader } from "./model_file";

const TYPES = "Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, IQ4_NL, F16, BF16, F32";

export const quantize: Command = {
  name: "quantize",
  summary: "A model file in another weight type, as GGUF, with the error of each tensor.",
  model: true,
  output: true,
  options: {
    type: {
      value: "T",
      help:
        `one of ${TYPES}. Vectors and norms are F32; the output matrix (or a tied embedding) is Q6_K, in Q8_0 and ` +
        "float files as the rest; rows that are no multiple of 256 take Q5_0 for Q4_K, Q5_1 for Q5_K, Q8_0 for Q6_K, " +
        "and F16 where 32 does not divide them",
    },
    keep: {
      value: "NAME=TYPE",
      several: true,
      help: "another type for tensors of that name, * for any characters; may be repeated, the first that matches counts",
    },
    force: { help: "replace OUT when it is there" },
    json: { help: "the report as JSON" },
  },
  async run(args, io) {
    const type = args.text("type");
    const out = args.output;
    if (args.model === undefined || out === undefined) throw usage("name the file to read and the file to write");
    if (type === undefined) throw usage(`name the weight type by --type: one of ${TYPES}`);
    const keep = args.texts("keep").map(ruleOf);
    await checkTarget(args.model, out, args.has("force"));
    await withHeader(args, io, async (file) => {
      const started = performance.now();
      const tensors: TensorReport[] = [];
      const { pieces, bytes: size } = await quantizeModel(file, {
        type,
        keep,
        signal: io.signal,
        onTensor: (tensor) => tensors.push(tensor),
        onProgress: progressLine(io),
      });
      await writeWhole(out, reported(pieces, tensors, args, io));
      io.progress(undefined);
      const seconds = rounded((performance.now() - started) / 1000, 3);
      if (args.has("json")) {
        await io.out(`${JSON.stringify({ in: file.name, out, type, bytes: size, seconds, tensors })}\n`);
      } else {
        await io.out(`${out}: ${bytes(size)} from ${bytes(file.bytes)}, ${tensors.length} tensors, ${seconds} s\n`);
      }
    });
  },
};

function ruleOf(text: string): KeepRule {
  const split = text.lastIndexOf("=");
  if (split > 0 && split < text.length - 1) return { name: text.slice(0, split), type: text.slice(split + 1) };
  throw usage(`--keep takes NAME=TYPE, such as output.weight=Q8_0; got "${text}"`);
}

/** @throws FennecError `invalid-argument` when writing OUT would cost a file. */
async function checkTarget(model: string, out: string, force: boolean): Promise<void> {
  const target = await realpath(out).catch(() => undefined);
  if (target === undefined) return;
  const source = await realpath(model).catch(() => undefined);
  if (source === target) throw usage(`${out} is the file to read; name another file to write`);
  if (!force) throw usage(`${out} is there already; --force replaces it`);
}

function progressLine(io: Io): NonNullable<QuantizeOptions["onProgress"]> {
  return ({ tensor, weightsDone, weightsTotal }) =>
    io.progress(`quantizing ${Math.floor((100 * weightsDone) / weightsTotal)}%  ${tensor}`);
}

/** The pieces; a line for each tensor as it is done. */
async function* reported(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  tensors: readonly TensorReport[],
  args: Args,
  io: Io,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let told = 0;
  for await (const piece of pieces) {
    yield piece;
    for (; told < tensors.length; told++) if (!args.has("json")) await io.out(lineOf(tensors[told]!));
  }
  for (; told < tensors.length; told++) if (!args.has("json")) await io.out(lineOf(tensors[told]!));
}

function lineOf({ name, shape, from, to, rmse, maxError }: TensorReport): string {
  const error = from === to ? "copied" : `rmse ${rmse.toExponential(2)}  max ${maxError.toExponential(2)}`;
  return `${name.padEnd(28)} ${`[${shape.join(", ")}]`.padEnd(16)} ${from.padEnd(5)} -> ${to.padEnd(6)} ${error}\n`;
}

/** Writes to a file beside `path` and renames it when it is whole; otherwise nothing is left of it. */
async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(partial, "wx");
    for await (const piece of pieces) await writeAll(handle, piece);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(partial, path);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(partial, { force: true }).catch(() => undefined);
    throw isFennecError(error) ? error : cannotWrite(path, error);
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await handle.write(piece, done);
    done += bytesWritten;
  }
}

function cannotWrite(path: string, error: unknown): FennecError {
  const full = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
  return full
    ? new FennecError("quota-exceeded", `${path}: the disk is full; nothing was kept of it.`, { cause: error })
    : new FennecError("source-unreadable", `${path}: cannot be written: ${reasonOf(error)}`, { cause: error });
}
