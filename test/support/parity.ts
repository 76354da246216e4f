// Whole-model parity: a fixture's rows through a backend, against the logits of another implementation.

import { GREEDY } from "../../kernels/sample/settings";
import { type Backend, LAST_TOKEN, type Row, type StepOutput } from "../../src/backends/backend";
import type { WeightsFile } from "../../src/files/weights_file";
import { type RecordedModel, recordModel } from "../../src/model/record";
import { type FixtureFolder, openFixtureModel, readFixture, readFixtureText } from "./files";
import { TestPages } from "./pages";

/** NAME.json; see the description in each file's `oracle`. */
interface FixtureDescription {
  readonly model: string;
  readonly logits: string;
  readonly vocab: number;
  readonly rows: number;
  readonly prompt: readonly number[];
  /** What argmax gives from the prompt's last row on. */
  readonly greedy?: readonly number[];
  /** The nmse that f32 arithmetic must stay under. */
  readonly bound: number;
}

export interface ParityFixture extends RecordedModel {
  readonly name: string;
  readonly file: WeightsFile;
  readonly description: FixtureDescription;
  /** One token per row. */
  readonly tokens: readonly number[];
  /** `[rows, vocab]` */
  readonly logits: Float32Array;
}

/** @param path Without its extension: `nano/llama-nano-F32`. */
export async function openParityFixture(path: string, folder?: FixtureFolder): Promise<ParityFixture> {
  const description = JSON.parse(await readFixtureText(`${path}.json`, folder)) as FixtureDescription;
  const beside = path.slice(0, path.lastIndexOf("/") + 1);
  const file = await openFixtureModel(beside + description.model, folder);
  const bytes = await readFixture(beside + description.logits, folder);
  const logits = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const { rows, vocab, prompt, greedy = [] } = description;
  if (logits.length !== rows * vocab) throw new Error(`${path}: ${logits.length} logits are not ${rows} x ${vocab}`);
  const tokens = [...prompt, ...greedy].slice(0, rows);
  return { ...recordModel(file), name: path, file, description, tokens, logits };
}

/**
 * Feeds `tokens` to a slot in chunks of `chunk` rows and asks for all logits.
 *
 * A chunk with more rows than a step may have outputs runs several times over the same positions, each time for other
 * rows, so that each row is computed in a chunk of that size.
 *
 * @returns `[tokens, vocab]`
 */
export async function logitsOf(
  backend: Backend,
  tokens: readonly number[],
  chunk: number,
  options: { readonly slot?: number; readonly pages?: TestPages } = {},
): Promise<Float32Array> {
  const { slot = 0, pages = new TestPages(backend) } = options;
  backend.openSlot(slot, { generation: 1, sampler: GREEDY, history: [] });
  pages.reset(slot);
  const parts: Float32Array[] = [];
  for (let start = 0; start < tokens.length; start += chunk) {
    const end = Math.min(start + chunk, tokens.length);
    for (let first = start; first < end; first += backend.limits.outputs) {
      const rows = tokens.slice(start, end).map((token, i): Row => {
        const position = start + i;
        const wanted = position >= first && position < first + backend.limits.outputs;
        return { slot, token, position, want: wanted ? "logits" : "nothing" };
      });
      const outputs = await backend.step({ rows, pages: pages.grow(slot, end) });
      for (const output of outputs) if (output.want === "logits") parts.push(output.logits);
    }
  }
  return concat(parts);
}

/** Feeds a prompt, then `count` tokens that the backend samples and feeds back itself. @returns The sampled ids. */
export async function greedyOf(backend: Backend, prompt: readonly number[], count: number): Promise<number[]> {
  const pages = new TestPages(backend);
  backend.openSlot(0, { generation: 1, sampler: GREEDY, history: prompt });
  const steps: Promise<readonly StepOutput[]>[] = [];
  const { rows: chunk } = backend.limits;
  for (let start = 0; start < prompt.length; start += chunk) {
    const rows = prompt.slice(start, start + chunk).map((token, i): Row => {
      const position = start + i;
      return { slot: 0, token, position, want: position === prompt.length - 1 ? "token" : "nothing" };
    });
    steps.push(backend.step({ rows, pages: pages.grow(0, start + rows.length) }));
  }
  for (let position = prompt.length; position < prompt.length + count - 1; position++) {
    const rows: Row[] = [{ slot: 0, token: LAST_TOKEN, position, want: "token" }];
    steps.push(backend.step({ rows, pages: pages.grow(0, position + 1) }));
  }
  const outputs = (await Promise.all(steps)).flat();
  return outputs.flatMap((output) => (output.want === "token" ? [output.token] : []));
}

export interface Agreement {
  /** Normalized mean squared error: squared differences over squares of the wanted values. */
  readonly nmse: number;
  readonly maxDifference: number;
  /** Mean over rows of KL(wanted || got), nats. */
  readonly klMean: number;
  /** Share of rows whose largest logit is the same. */
  readonly top1: number;
}

/** Compares logits `[rows, vocab]`. Throws when sizes differ or a value is not finite. */
export function compareLogits(got: Float32Array, want: Float32Array, vocab: number): Agreement {
  if (got.length !== want.length) throw new Error(`${got.length} logits, expected ${want.length}`);
  let errors = 0;
  let squares = 0;
  let maxDifference = 0;
  for (let i = 0; i < want.length; i++) {
    if (!Number.isFinite(got[i])) throw new Error(`logit ${i % vocab} of row ${Math.floor(i / vocab)} is ${got[i]}`);
    const difference = got[i]! - want[i]!;
    errors += difference ** 2;
    squares += want[i]! ** 2;
    maxDifference = Math.max(maxDifference, Math.abs(difference));
  }
  const rows = want.length / vocab;
  let kl = 0;
  let same = 0;
  for (let row = 0; row < rows; row++) {
    const g = got.subarray(row * vocab, (row + 1) * vocab);
    const w = want.subarray(row * vocab, (row + 1) * vocab);
    kl += divergence(w, g);
    if (argmax(g) === argmax(w)) same++;
  }
  return { nmse: errors / squares, maxDifference, klMean: kl / rows, top1: same / rows };
}

/** Index of the largest value, the lowest of equal ones. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** KL(softmax(p) || softmax(q)), nats. */
function divergence(p: Float32Array, q: Float32Array): number {
  const logP = logSoftmax(p);
  const logQ = logSoftmax(q);
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.exp(logP[i]!) * (logP[i]! - logQ[i]!);
  return sum;
}

function logSoftmax(logits: Float32Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  const shift = max + Math.log(sum);
  return Float64Array.from(logits, (logit) => logit - shift);
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
