// A whole graph as ONNX files that other runtimes open: `onnx/model.onnx` with its weights beside it, as Transformers.js
// names them. All forms hold the file's weights exactly.

import { FennecError } from "../../errors";
import type { WeightsFile } from "../../files/weights_file";
import type { Graph } from "../../graph/graph";
import { exportBorder, LOGITS, names, type RopeTable } from "./export_border";
import { type LoweredWeight, Lowering } from "./lower";
import { groupedFits } from "./lower_attention";
import type { ExternalTensor, Locate } from "./model_builder";
import { valueName } from "./names";
import { exactForm, tensorOf } from "./weight_forms";
import { readF32, readPart, type WeightReader } from "./weights";

/** Transformers.js' word for a form of the weights, which picks the file. */
export type ExportType = "fp32" | "q8" | "q4";

const SUFFIX: Readonly<Record<ExportType, string>> = { fp32: "", q8: "_quantized", q4: "_q4" };

/** Bytes of one file of weights at most, unless a single matrix is larger: a browser holds each in one buffer. */
const DATA_BYTES = 2 ** 30;

/** Where a tensor begins in its file. */
const ALIGNMENT = 64;

export interface DataFile {
  readonly name: string;
  readonly bytes: number;
  /** The content, tensor by tensor. @throws FennecError `tensor-not-finite`, and what reading the model file throws. */
  pieces(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

export interface ExportedModel {
  readonly type: ExportType;
  /** `model.onnx`, `model_q4.onnx`, ... */
  readonly name: string;
  readonly model: Uint8Array<ArrayBuffer>;
  readonly data: readonly DataFile[];
}

export interface ExportInput {
  readonly graph: Graph;
  readonly file: WeightsFile;
  /** Longest sequence that the exported model runs, tokens. */
  readonly context: number;
  readonly signal?: AbortSignal;
}

/** The forms that a file's matrices allow without loss: always f32, and their own blocks where they have such. */
export function exportTypes(graph: Graph, file: WeightsFile): readonly ExportType[] {
  const counts = { int8: 0, int4: 0 };
  for (const node of graph.nodes) {
    const form = node.op === "linear" ? exactForm(tensorOf(file, node.weight), node.weight) : undefined;
    if (form) counts[form] += 1;
  }
  if (counts.int8 + counts.int4 === 0) return ["fp32"];
  return ["fp32", counts.int4 > counts.int8 ? "q4" : "q8"];
}

/** @throws FennecError `backend-unsupported`: heads that GroupQueryAttention does not take. `tensor-missing`, `file-unsupported`. */
export function exportModel({ graph, file, context, signal }: ExportInput, type: ExportType): ExportedModel {
  if (!groupedFits(graph))
    throw new FennecError(
      "backend-unsupported",
      `${file.name}: its attention heads are no multiple of 8 elements, which GroupQueryAttention needs; it cannot be exported.`,
    );
  const name = `model${SUFFIX[type]}.onnx`;
  const tables: RopeTable[] = [];
  const layout = new Layout(name);
  const lowering = new Lowering(
    graph,
    exportBorder(context, tables),
    {
      attention: "grouped",
      formOf: (ref) => (type === "fp32" ? "f32" : (exactForm(tensorOf(file, ref), ref) ?? "f32")),
    },
    layout.locate,
  );
  for (const node of graph.nodes) lowering.add(node);
  const { model } = lowering;
  const vocab = graph.output.width;
  const shape = model.constant("int64", [1, -1, vocab]);
  model.node("Reshape", [valueName(graph.output), shape], { outputs: [LOGITS] });
  model.output(LOGITS, "float32", [1, "kept", vocab]);
  for (const { layer, kvHeads, headDim } of graph.caches)
    for (const present of Object.values(names("present", layer)))
      model.output(present, "float32", [1, kvHeads, "total_sequence_length", headDim]);
  const reader = { file, tables: new Map(), ...(signal && { signal }) };
  const contents = contentsOf(reader, context, lowering.weights, tables);
  return { type, name, model: model.finish(), data: layout.files(contents) };
}

type Contents = ReadonlyMap<string, () => Promise<Uint8Array<ArrayBuffer>>>;

/** Bytes of each external tensor by name; values and scales of a matrix are read together, values first. */
function contentsOf(
  reader: WeightReader,
  context: number,
  weights: readonly LoweredWeight[],
  tables: readonly RopeTable[],
): Contents {
  const contents = new Map<string, () => Promise<Uint8Array<ArrayBuffer>>>();
  const scales = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const weight of weights) {
    const { tensor, ref, content } = weight;
    if (content === "scales") {
      contents.set(tensor.name, async () => scales.get(tensor.name)!);
      continue;
    }
    contents.set(tensor.name, async () => {
      const parts = await readPart(
        reader,
        weights.filter((other) => other.ref.name === ref.name && (other === weight || other.content === "scales")),
      );
      for (const { path, data } of parts) if (path !== tensor.name) scales.set(path, data);
      return parts[0]!.data;
    });
  }
  for (const { tensor, rope, turn } of tables)
    contents.set(tensor.name, async () => {
      const divisors = rope.factors && (await readF32(reader, rope.factors));
      const pairs = rope.dims / 2;
      const values = Float32Array.from({ length: context * pairs }, (_, i) => {
        const pair = i % pairs;
        return Math[turn]((Math.floor(i / pairs) * rope.frequencies[pair]!) / (divisors?.[pair] ?? 1));
      });
      return new Uint8Array(values.buffer);
    });
  return contents;
}

/** Which tensor lies where. */
class Layout {
  readonly #name: string;
  readonly #files: {
    bytes: number;
    readonly tensors: { readonly tensor: ExternalTensor; readonly offset: number }[];
  }[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  readonly locate: Locate = (tensor) => {
    const last = this.#files.at(-1);
    const offset = last ? Math.ceil(last.bytes / ALIGNMENT) * ALIGNMENT : 0;
    if (!last || offset + tensor.bytes > DATA_BYTES) {
      this.#files.push({ bytes: tensor.bytes, tensors: [{ tensor, offset: 0 }] });
      return { file: this.#nameOf(this.#files.length - 1), offset: 0 };
    }
    last.tensors.push({ tensor, offset });
    last.bytes = offset + tensor.bytes;
    return { file: this.#nameOf(this.#files.length - 1), offset };
  };

  files(contents: Contents): DataFile[] {
    return this.#files.map(({ bytes, tensors }, index) => ({
      name: this.#nameOf(index),
      bytes,
      async *pieces() {
        let at = 0;
        for (const { tensor, offset } of tensors) {
          if (offset > at) yield new Uint8Array(offset - at);
          yield await contents.get(tensor.name)!();
          at = offset + tensor.bytes;
        }
      },
    }));
  }

  #nameOf(index: number): string {
    return `${this.#name}_data${index === 0 ? "" : `_${index}`}`;
  }
}
