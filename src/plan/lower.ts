// Graph to plan: joins operations, once for decoding and once for prefill, gives values buffers, and turns each
// operation into dispatches with their parameters filled in.

import { add, gated, mul, scale, softcap, unary } from "../../kernels/elementwise/elementwise";
import { embed } from "../../kernels/embed/embed";
import type { Kernel } from "../../kernels/kernel";
import { layerNorm } from "../../kernels/layer_norm/layer_norm";
import { linear } from "../../kernels/linear/linear";
import { outputRows } from "../../kernels/output_rows/output_rows";
import { rmsNorm } from "../../kernels/rms_norm/rms_norm";
import { rope } from "../../kernels/rope/rope";
import { sample } from "../../kernels/sample/sample";
import type { RowKind, Value } from "../graph/graph";
import { AttentionLowering } from "./attention";
import { OUTPUT_SCRATCH, planBuffers, type Scratch } from "./buffers";
import { dispatch, NONE, ropeStyle } from "./dispatch";
import { DECODE_RULES, fuse, PREFILL_RULES } from "./fuse";
import { type LinearOp, opsOf, type PlanOp } from "./ops";
import type { BufferRef, Plan, PlanInput, PlannedDispatch, PlannedMatrix } from "./plan";
import { PlanResources } from "./resources";
import type { Rule } from "./rules/rule";

export function buildPlan(input: PlanInput): Plan {
  const resources = new PlanResources(input);
  const scratch: Scratch[] = [];
  const lowered = (rules: readonly Rule[]): Lowering => {
    const { graph } = input;
    const ops = fuse(opsOf(graph), graph, rules, (weights) => resources.stackable(weights));
    return new Lowering(input, resources, ops, planBuffers(ops, graph.output, scratch));
  };
  const decode = lowered(DECODE_RULES);
  const prefill = lowered(PREFILL_RULES);
  const logits: BufferRef = { kind: "scratch", index: OUTPUT_SCRATCH };
  return {
    decode: decode.dispatches,
    prefill: prefill.dispatches,
    sampling: sampling(input, logits),
    scratch,
    logits,
    matrices: resources.matrices,
    vectors: [...resources.vectors.values()],
    vectorElements: resources.vectorElements,
    ropes: [...resources.ropes.values()],
    ropeElements: resources.ropeElements,
    partialElements: decode.partialElements,
  };
}

function sampling({ vocab, graph }: PlanInput, logits: BufferRef): PlannedDispatch[] {
  const params = { vocab, stride: graph.output.width };
  return [
    dispatch("outputs", sample, params, {
      slots: { kind: "slots" },
      logits,
      scores: { kind: "scores" },
      counts: { kind: "counts" },
      biases: { kind: "biases" },
      table: { kind: "exp2" },
      sampled: { kind: "sampled" },
    }),
  ];
}

/** Turns the operations of one plan into dispatches. */
class Lowering {
  readonly dispatches: readonly PlannedDispatch[];
  readonly #int8: boolean;
  readonly #resources: PlanResources;
  readonly #buffers: ReadonlyMap<number, number>;
  readonly #attention: AttentionLowering;

  constructor(
    input: PlanInput,
    resources: PlanResources,
    ops: readonly PlanOp[],
    buffers: ReadonlyMap<number, number>,
  ) {
    this.#int8 = input.int8;
    this.#resources = resources;
    this.#buffers = buffers;
    this.#attention = new AttentionLowering(input, resources, (value) => this.#scratchOf(value));
    this.dispatches = ops.flatMap((op) => this.#dispatchesOf(op));
  }

  get partialElements(): number {
    return this.#attention.partialElements;
  }

  #dispatchesOf(op: PlanOp): PlannedDispatch[] {
    switch (op.op) {
      case "embed":
        return this.#embed(op);
      case "linear":
        return this.#linear(op);
      case "rms_norm":
        return this.#rmsNorm(op);
      case "layer_norm":
        return this.#layerNorm(op);
      case "rope":
        return this.#rope(op);
      case "kv_append":
      case "attention":
      case "decode_attention":
      case "prepare_qkv":
        return this.#attention.dispatchesOf(op);
      case "gated":
        return this.#elementwise(gated(op.kind), op.out, 1, op.a, op.b);
      case "add":
        return this.#elementwise(add, op.out, 1, op.a, op.b);
      case "mul":
        return this.#elementwise(mul, op.out, 1, op.a, op.b);
      case "unary":
        return this.#elementwise(unary(op.kind), op.out, 1, op.x);
      case "scale":
        return this.#elementwise(scale, op.out, op.factor, op.x);
      case "softcap":
        return this.#elementwise(softcap, op.out, op.cap, op.x);
      case "output_rows": {
        const buffers = { x: this.#scratchOf(op.x), y: this.#scratchOf(op.out) };
        return [dispatch("outputs", outputRows, { width: op.x.width }, buffers)];
      }
    }
  }

  #embed(op: Extract<PlanOp, { op: "embed" }>): PlannedDispatch[] {
    const [matrix] = this.#resources.matricesOf([op.weight]);
    const { name, cols, format, parts } = matrix!;
    return parts.map(({ firstRow, rows, layout: { sections } }, part) =>
      dispatch(
        "tokens",
        embed(format),
        {
          cols,
          row_begin: firstRow,
          rows,
          scale: op.scale,
          section_1: sections[1],
          section_2: sections[2],
          section_3: sections[3],
        },
        { slots: { kind: "slots" }, w: { kind: "matrix", name, part }, y: this.#scratchOf(op.out) },
      ),
    );
  }

  #linear(op: LinearOp): PlannedDispatch[] {
    const matrices = this.#resources.matricesOf(op.weights);
    const { x, out, norm, sandwich, biases } = op;
    const formats = matrices.map(({ format }) => format);
    const kernel = linear(formats, {
      norm: !!norm,
      bias: !!biases,
      accumulate: !!op.into,
      gather: !!op.gather,
      int8: this.#int8 && formats.every(({ integers }) => integers),
      ...(op.gated && { gated: op.gated }),
      ...(sandwich && { sandwich: sandwich.sum ? "publish" : "only" }),
    });
    const biasAt = biases ? this.#resources.vectorsInOrder(biases) : NONE;
    const params = {
      cols: x.width,
      x_stride: x.width,
      y_stride: out.width,
      gain_at: norm ? this.#resources.vector(norm.gain) : NONE,
      eps: norm?.eps ?? 0,
      on_outputs: Number(out.rows === "outputs"),
      add_gain_at: sandwich ? this.#resources.vector(sandwich.gain) : NONE,
      add_eps: sandwich?.eps ?? 0,
    };
    const buffers = {
      x: this.#scratchOf(x),
      ...(sandwich && { add: this.#scratchOf(sandwich.add) }),
      ...(sandwich?.sum && { x_out: this.#scratchOf(sandwich.sum) }),
      vectors: { kind: "vectors" } as const,
      y: this.#scratchOf(out),
    };
    // One matrix in several parts takes a dispatch for each; several matrices have one part each.
    return matrices[0]!.parts.map(({ firstRow }, part) =>
      dispatch(
        out.rows,
        kernel,
        {
          ...params,
          y_at: firstRow,
          bias_at: biases ? biasAt + firstRow : NONE,
          ...Object.assign({}, ...matrices.map((matrix, index) => partParams(matrix, part, index))),
        },
        {
          ...buffers,
          ...Object.fromEntries(matrices.map(({ name }, index) => [`w_${index}`, { kind: "matrix", name, part }])),
        },
      ),
    );
  }

  #rmsNorm(op: Extract<PlanOp, { op: "rms_norm" }>): PlannedDispatch[] {
    const width = op.weight.shape[0]!;
    const params = {
      width,
      groups: op.x.width / width,
      gain_at: this.#resources.vector(op.weight),
      eps: op.eps,
      on_outputs: Number(op.out.rows === "outputs"),
    };
    const buffers = { x: this.#scratchOf(op.x), vectors: { kind: "vectors" } as const, y: this.#scratchOf(op.out) };
    return [dispatch(op.out.rows, rmsNorm({ accumulate: !!op.into }), params, buffers)];
  }

  #layerNorm(op: Extract<PlanOp, { op: "layer_norm" }>): PlannedDispatch[] {
    const params = {
      width: op.x.width,
      gain_at: this.#resources.vector(op.weight),
      bias_at: op.bias ? this.#resources.vector(op.bias) : NONE,
      eps: op.eps,
      on_outputs: Number(op.out.rows === "outputs"),
    };
    const buffers = { x: this.#scratchOf(op.x), vectors: { kind: "vectors" } as const, y: this.#scratchOf(op.out) };
    return [dispatch(op.out.rows, layerNorm, params, buffers)];
  }

  #rope(op: Extract<PlanOp, { op: "rope" }>): PlannedDispatch[] {
    const tables = this.#resources.rope(op.rope);
    const params = {
      heads: op.x.width / op.headDim,
      head_dim: op.headDim,
      dims: op.rope.dims,
      style: ropeStyle(op.rope),
      gain_at: op.norm ? this.#resources.vector(op.norm.gain) : NONE,
      eps: op.norm?.eps ?? 0,
      tables_at: tables.at,
      coarse_at: tables.coarseAt,
    };
    return [
      dispatch("tokens", rope({ norm: !!op.norm }), params, {
        slots: { kind: "slots" },
        x: this.#scratchOf(op.x),
        vectors: { kind: "vectors" },
        tables: { kind: "rope" },
        y: this.#scratchOf(op.out),
      }),
    ];
  }

  #elementwise(kernel: Kernel, out: Value, factor: number, a: Value, b?: Value): PlannedDispatch[] {
    return [
      dispatch(
        out.rows,
        kernel,
        { width: out.width, factor, on_outputs: Number(out.rows === ("outputs" satisfies RowKind)) },
        { a: this.#scratchOf(a), ...(b && { b: this.#scratchOf(b) }), y: this.#scratchOf(out) },
      ),
    ];
  }

  #scratchOf(value: Value): BufferRef {
    return { kind: "scratch", index: this.#buffers.get(value.id)! };
  }
}

/** Rows and sections of one buffer of a stack. */
function partParams({ parts }: PlannedMatrix, part: number, index: number): Record<string, number> {
  const { rows, layout } = parts[part]!;
  const [, first, second, third] = layout.sections;
  return {
    [`rows_${index}`]: rows,
    [`section_${index}_1`]: first,
    [`section_${index}_2`]: second,
    [`section_${index}_3`]: third,
  };
}
