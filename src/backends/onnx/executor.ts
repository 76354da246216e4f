// A graph in the runtime: lowered in parts of bounded size, so that JavaScript never holds more of the weights than one
// part, and run for the rows of one slot.

import { FennecError } from "../../errors";
import type { Graph, Node } from "../../graph/graph";
import type { KvStore, NewRows } from "./kv";
import { type LoweredPart, lowerPart, ropesOf } from "./lower";
import type { AttentionForm } from "./lower_attention";
import { INPUT, maskName, pastNames, presentNames, ropeNames, valueName } from "./names";
import type { Feed, HeldTensor, HostTensor, Runtime, RuntimeSession } from "./runtime";
import { formBytes, sizeOf, vectorsOf, type WeightPlan } from "./weight_forms";
import { readF32, readPart, type WeightReader } from "./weights";

/** Weights of a part, bytes: what JavaScript holds at once while loading. A single larger matrix makes a part alone. */
const PART_BYTES = 128 << 20;

/** Takes a score's share of the softmax to 0. */
const HIDDEN = -1e30;

export interface RunRow {
  readonly token: number;
  readonly position: number;
  /** Keys before this position are visible. */
  readonly keyEnd: number;
  readonly wanted: boolean;
}

export interface ExecutorInput {
  readonly graph: Graph;
  readonly runtime: Runtime;
  readonly reader: WeightReader;
  readonly plan: WeightPlan;
  readonly partBytes?: number;
  /** After each part: bytes of weights that are in the runtime. */
  readonly onPart?: (bytes: number) => void;
}

interface Part {
  readonly lowered: LoweredPart;
  readonly session: RuntimeSession;
}

export class Executor {
  readonly form: AttentionForm;
  /** Whether runs write new keys and values where the old ones lie. */
  readonly #inPlace: boolean;
  readonly #input: ExecutorInput;
  readonly #parts: readonly Part[];
  /** By kind of rope: radians per position, `[dims / 2]`. */
  readonly #angles: readonly Float64Array[];

  private constructor(
    input: ExecutorInput,
    form: AttentionForm,
    parts: readonly Part[],
    angles: readonly Float64Array[],
  ) {
    this.#input = input;
    this.form = form;
    this.#inPlace = isInPlace(input, form);
    this.#parts = parts;
    this.#angles = angles;
  }

  /** @throws FennecError `backend-unsupported`, `out-of-memory`, and what reading the file throws. */
  static async create(input: ExecutorInput, form: AttentionForm): Promise<Executor> {
    const { graph, plan, runtime, reader, partBytes = PART_BYTES, onPart } = input;
    const parts: Part[] = [];
    let bytes = 0;
    try {
      for (const nodes of cut(graph.nodes, plan, partBytes)) {
        const inPlace = isInPlace(input, form);
        const lowered = lowerPart(graph, nodes, { attention: form, formOf: plan.formOf, inPlace });
        const files = await readPart(reader, lowered.weights);
        parts.push({ lowered, session: await runtime.createSession(lowered.model, files) });
        bytes += lowered.weights.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
        onPart?.(bytes);
      }
      return new Executor(input, form, parts, await angles(input));
    } catch (error) {
      await Promise.all(parts.map(({ session }) => session.release()));
      throw error;
    }
  }

  /**
   * Runs consecutive rows of one slot and stores their keys and values.
   *
   * @returns Logits of the wanted rows, `[wanted, vocab]`.
   */
  async run(rows: readonly RunRow[], slot: number, kv: KvStore): Promise<Float32Array> {
    const { graph } = this.#input;
    const first = rows[0]!.position;
    const end = first + rows.length;
    kv.prepare(slot, first, end);
    const feeds: Record<string, Feed> = this.#hostInputs(rows, end);
    const present = this.#addKeysAndValues(feeds, slot, kv);
    if (this.form === "masked") Object.assign(feeds, this.#masks(rows, slot, kv));
    const results = new Map<string, HeldTensor>();
    try {
      for (const { session } of this.#parts)
        for (const [name, result] of await session.run(feeds, this.#inPlace ? present : {})) {
          feeds[name] = result;
          results.set(name, result);
        }
      if (!this.#inPlace) kv.write(slot, first, this.#newRows(results));
      kv.commit(slot, first, end);
      return results.get(valueName(graph.output))!.view.slice();
    } finally {
      for (const result of results.values()) result.release();
    }
  }

  async release(): Promise<void> {
    for (const { session } of this.#parts) await session.release();
  }

  #newRows(results: ReadonlyMap<string, HeldTensor>): Map<number, NewRows> {
    const rows = new Map<number, NewRows>();
    for (const node of this.#input.graph.nodes)
      if (node.op === "attention") {
        const [key, value] = [node.k, node.v].map((made) => results.get(valueName(made))!.view) as [
          Float32Array,
          Float32Array,
        ];
        rows.set(node.spec.layer, { key, value });
      }
    return rows;
  }

  #hostInputs(rows: readonly RunRow[], end: number): Record<string, HostTensor> {
    const { graph, reader } = this.#input;
    const inputs: Record<string, HostTensor> = {
      [INPUT.outputRows]: int64(rows.flatMap(({ wanted }, row) => (wanted ? [row] : []))),
      [INPUT.lastKey]: { type: "int32", data: Int32Array.of(end - 1), dims: [1] },
      [INPUT.keys]: { type: "int32", data: Int32Array.of(end), dims: [] },
      [INPUT.zeros]: f32(new Float32Array(rows.length), rows.length, 1),
    };
    for (const node of graph.nodes)
      if (node.op === "embed") {
        const { width } = node.out;
        const table = reader.tables.get(node.weight.name)!;
        const tokens = rows.map(({ token }) => token);
        inputs[valueName(node.out)] = f32(table.lookup(tokens, width, node.scale), rows.length, width);
      }
    this.#angles.forEach((perPosition, kind) => {
      const { cos, sin } = ropeNames(kind);
      const pairs = perPosition.length;
      const fill = (turn: (angle: number) => number) =>
        Float32Array.from({ length: rows.length * pairs }, (_, i) =>
          turn(rows[Math.floor(i / pairs)]!.position * perPosition[i % pairs]!),
        );
      inputs[cos] = f32(fill(Math.cos), rows.length, pairs);
      inputs[sin] = f32(fill(Math.sin), rows.length, pairs);
    });
    return inputs;
  }

  /** @returns The same memory under the names of the outputs. */
  #addKeysAndValues(feeds: Record<string, Feed>, slot: number, kv: KvStore): Record<string, HeldTensor> {
    const outputs: Record<string, HeldTensor> = {};
    for (const { layer } of this.#input.graph.caches) {
      const { key, value } = kv.contiguous(slot, layer);
      const past = pastNames(layer);
      const present = presentNames(layer);
      feeds[past.key] = outputs[present.key] = key;
      feeds[past.value] = outputs[present.value] = value;
    }
    return outputs;
  }

  #masks(rows: readonly RunRow[], slot: number, kv: KvStore): Record<string, HostTensor> {
    const inputs: Record<string, HostTensor> = {};
    const first = rows[0]!.position;
    for (const { layer, window } of this.#input.graph.caches) {
      if (inputs[maskName(window)]) continue;
      const { capacity } = kv.contiguous(slot, layer);
      const width = capacity + rows.length;
      const mask = new Float32Array(rows.length * width).fill(HIDDEN);
      rows.forEach(({ position, keyEnd }, row) => {
        const from = window === undefined ? 0 : Math.max(0, position - window + 1);
        const line = mask.subarray(row * width, (row + 1) * width);
        line.fill(0, from, Math.max(from, Math.min(keyEnd, first)));
        const [a, b] = [from, keyEnd].map((key) => capacity + Math.max(0, key - first)) as [number, number];
        line.fill(0, a, Math.max(a, b));
      });
      inputs[maskName(window)] = f32(mask, rows.length, width);
    }
    return inputs;
  }
}

function isInPlace({ runtime }: ExecutorInput, form: AttentionForm): boolean {
  return runtime.inPlace && form === "grouped";
}

/** Consecutive runs of nodes whose weights stay below `limit` bytes. */
export function cut(nodes: readonly Node[], plan: WeightPlan, limit: number): readonly (readonly Node[])[] {
  const parts: Node[][] = [[]];
  let bytes = 0;
  for (const node of nodes) {
    const size =
      vectorsOf(node).reduce((sum, ref) => sum + 4 * sizeOf(ref), 0) +
      (node.op === "linear" ? formBytes(node.weight, plan.formOf(node.weight)) : 0);
    if (bytes > 0 && bytes + size > limit) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(node);
    bytes += size;
  }
  return parts;
}

async function angles({ graph, reader }: ExecutorInput): Promise<Float64Array[]> {
  const all: Float64Array[] = [];
  for (const { frequencies, factors } of ropesOf(graph)) {
    const divisors = factors && (await readF32(reader, factors));
    all.push(Float64Array.from(frequencies, (frequency, i) => frequency / (divisors?.[i] ?? 1)));
  }
  if (all.some((perPosition) => perPosition.some((angle) => !Number.isFinite(angle))))
    throw new FennecError("tensor-not-finite", `${reader.file.name}: a divisor of the rope frequencies is 0.`);
  return all;
}

function f32(data: Float32Array, ...dims: number[]): HostTensor {
  return { type: "float32", data, dims };
}

function int64(values: readonly number[]): HostTensor {
  return { type: "int64", data: BigInt64Array.from(values, BigInt), dims: [values.length] };
}
