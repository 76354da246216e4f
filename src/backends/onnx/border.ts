// Where a lowered model meets whoever runs it: what comes in from outside, and under which names. The operations between
// are the same for all (lower.ts).

import type { Node, RopeSpec, WeightRef } from "../../graph/graph";
import type { ModelBuilder } from "./model_builder";
import { INPUT, pastNames, presentNames, ropeNames } from "./names";
import type { MatrixForm, QuantizedForm } from "./weight_forms";

/** What of the lowering a border uses. Strings are names of ONNX values. */
export interface BorderTools {
  readonly model: ModelBuilder;
  plain(ref: WeightRef): string;
  formOf(ref: WeightRef): MatrixForm;
  blocks(
    ref: WeightRef,
    form: QuantizedForm,
  ): { readonly values: string; readonly scales: string; readonly bits: number };
  reshape(x: string, shape: readonly number[]): string;
}

interface KeysAndValues {
  readonly key: string;
  readonly value: string;
}

export interface Border {
  /** Rows `[tokens, dim]` of a table; absent where they come in as an input for whoever reads them. */
  readonly embed?: (tools: BorderTools, node: Extract<Node, { readonly op: "embed" }>) => string;
  /**
   * Tables `[positions, dims / 2]`, and int64 `[1]`: their row for the step's first token.
   * @param kind Numbers the ropes that turn by different angles.
   */
  rope(
    tools: BorderTools,
    kind: number,
    rope: RopeSpec,
  ): { readonly first: string; readonly cos: string; readonly sin: string };
  /** The rows of x `[tokens, width]` that go on: `[outputs, width]`. */
  outputRows(tools: BorderTools, x: string): string;
  /** Keys and values so far, f32 `[1, kvHeads, keys, headDim]`, and the names of those with the step's own. */
  cache(
    tools: BorderTools,
    spec: { readonly layer: number; readonly kvHeads: number; readonly headDim: number },
  ): { readonly past: KeysAndValues; readonly present: KeysAndValues };
  /** int32 `[1]`: keys after this step, less one. */
  lastKey(tools: BorderTools): string;
  /** int32 scalar: keys after this step. */
  keys(tools: BorderTools): string;
}

/** The backend's own: the host looks up embedding rows, turns angles, and holds keys and values in fixed capacity. */
export const stepBorder: Border = {
  rope({ model }, kind, { dims }) {
    const { cos, sin } = ropeNames(kind);
    return {
      first: model.constant("int64", [0]),
      cos: model.input(cos, "float32", ["tokens", dims / 2]),
      sin: model.input(sin, "float32", ["tokens", dims / 2]),
    };
  },
  outputRows({ model }, x) {
    const rows = model.input(INPUT.outputRows, "int64", ["outputs"]);
    return model.node("Gather", [x, rows], { attributes: { axis: 0 } });
  },
  cache({ model }, { layer, kvHeads, headDim }) {
    const { key, value } = pastNames(layer);
    const shape = [1, kvHeads, "capacity", headDim];
    return {
      past: { key: model.input(key, "float32", shape), value: model.input(value, "float32", shape) },
      present: presentNames(layer),
    };
  },
  lastKey: ({ model }) => model.input(INPUT.lastKey, "int32", [1]),
  keys: ({ model }) => model.input(INPUT.keys, "int32", []),
};
