// Graph to plan: joins operations, gives values buffers, and turns each operation into dispatches with their parameters
// filled in.

import { attention } from "../../kernels/attention/attention";
import { add, gated, mul, scale, softcap, unary } from "../../kernels/elementwise/elementwise";
import { embed } from "../../kernels/embed/embed";
import type { Kernel } from "../../kernels/kernel";
import { kvAppend } from "../../kernels/kv_append/kv_append";
import { layerNorm } from "../../kernels/layer_norm/layer_norm";
import { linear } from "../../kernels/linear/linear";
import { outputRows } from "../../kernels/output_rows/output_rows";
import { rmsNorm } from "../../kernels/rms_norm/rms_norm";
import { coarseOffset, FINE_POSITIONS, rope } from "../../kernels/rope/rope";
import { sample } from "../../kernels/sample/sample";
import type { AttentionSpec, RopeSpec, RowKind, Value, WeightRef } from "../graph/graph";
import { type BufferPlan, planBuffers } from "./buffers";
import { fuse } from "./fuse";
import { planMatrix } from "./matrices";
import { opsOf, type PlanOp } from "./ops";
import type { BufferRef, Plan, PlanInput, PlannedDispatch, PlannedMatrix, PlannedRope } from "./plan";

/** Offset that says "this model has no such vector". */
const NONE = 0xffff_ffff;

export function buildPlan(input: PlanInput): Plan {
  const ops = fuse(opsOf(input.graph), input.graph);
  const buffers = planBuffers(ops, input.graph.output);
  const lowering = new Lowering(input, buffers);
  const dispatches = ops.flatMap((op) => lowering.dispatchesOf(op));
  const logits = lowering.scratchOf(input.graph.output);
  return {
    dispatches,
    sampling: lowering.sampling(logits),
    scratch: buffers.scratch,
    logits,
    matrices: [...lowering.matrices.values()],
    vectors: [...lowering.vectors.values()],
    vectorElements: lowering.vectorElements,
    ropes: [...lowering.ropes.values()],
    ropeElements: lowering.ropeElements,
  };
}

/** Collects what dispatches refer to while they are made: matrices, vectors and RoPE tables, each once. */
class Lowering {
  readonly matrices = new Map<string, PlannedMatrix>();
  readonly vectors = new Map<string, { readonly ref: WeightRef; readonly at: number }>();
  vectorElements = 0;
  readonly ropes = new Map<string, PlannedRope>();
  ropeElements = 0;
  readonly #input: PlanInput;
  readonly #buffers: BufferPlan;

  constructor(input: PlanInput, buffers: BufferPlan) {
    this.#input = input;
    this.#buffers = buffers;
  }

  dispatchesOf(op: PlanOp): PlannedDispatch[] {
    switch (op.op) {
      case "embed":
        return this.#embed(op);
      case "linear":
        return this.#linear(op);
      case "rms_norm":
        return this.#rmsNorm(op);
      case "layer_norm":
        return this.#one(op.out.rows, layerNorm, this.#layerNormParams(op), {
          x: this.scratchOf(op.x),
          vectors: { kind: "vectors" },
          y: this.scratchOf(op.out),
        });
      case "rope":
        return this.#rope(op);
      case "kv_append":
        return this.#kvAppend(op.k, op.v, op.spec);
      case "attention":
        return this.#attention(op);
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
      case "output_rows":
        return this.#one(
          "outputs",
          outputRows,
          { width: op.x.width },
          { x: this.scratchOf(op.x), y: this.scratchOf(op.out) },
        );
    }
  }

  sampling(logits: BufferRef): PlannedDispatch {
    return this.#dispatch(
      "outputs",
      sample,
      { vocab: this.#input.vocab, stride: this.#input.graph.output.width },
      {
        slots: { kind: "slots" },
        logits,
        scores: { kind: "scores" },
        counts: { kind: "counts" },
        biases: { kind: "biases" },
        table: { kind: "exp2" },
        sampled: { kind: "sampled" },
      },
    );
  }

  scratchOf(value: Value): BufferRef {
    return { kind: "scratch", index: this.#buffers.of.get(value.id)! };
  }

  #embed(op: Extract<PlanOp, { op: "embed" }>): PlannedDispatch[] {
    const matrix = this.#matrix(op.weight);
    return matrix.parts.map((part, index) =>
      this.#dispatch(
        "tokens",
        embed(matrix.format),
        {
          cols: matrix.cols,
          row_begin: part.firstRow,
          rows: part.rows,
          scale: op.scale,
          ...sections(part.layout.sections),
        },
        {
          slots: { kind: "slots" },
          w: { kind: "matrix", name: matrix.name, part: index },
          y: this.scratchOf(op.out),
        },
      ),
    );
  }

  #linear(op: Extract<PlanOp, { op: "linear" }>): PlannedDispatch[] {
    const matrix = this.#matrix(op.weight);
    const kernel = linear([matrix.format], { norm: !!op.norm, bias: !!op.bias, accumulate: !!op.into });
    return matrix.parts.map((part, index) =>
      this.#dispatch(
        op.out.rows,
        kernel,
        {
          rows_0: part.rows,
          section_0_1: part.layout.sections[1],
          section_0_2: part.layout.sections[2],
          section_0_3: part.layout.sections[3],
          cols: matrix.cols,
          x_stride: op.x.width,
          y_at: part.firstRow,
          y_stride: op.out.width,
          gain_at: op.norm ? this.#vector(op.norm.gain) : NONE,
          bias_at: op.bias ? this.#vector(op.bias) + part.firstRow : NONE,
          eps: op.norm?.eps ?? 0,
          on_outputs: onOutputs(op.out.rows),
          add_gain_at: NONE,
          add_eps: 0,
        },
        {
          x: this.scratchOf(op.x),
          w_0: { kind: "matrix", name: matrix.name, part: index },
          vectors: { kind: "vectors" },
          y: this.scratchOf(op.out),
        },
      ),
    );
  }

  #rmsNorm(op: Extract<PlanOp, { op: "rms_norm" }>): PlannedDispatch[] {
    const width = op.weight.shape[0]!;
    const params = {
      width,
      groups: op.x.width / width,
      gain_at: this.#vector(op.weight),
      eps: op.eps,
      on_outputs: onOutputs(op.out.rows),
    };
    return this.#one(op.out.rows, rmsNorm({ accumulate: !!op.into }), params, {
      x: this.scratchOf(op.x),
      vectors: { kind: "vectors" },
      y: this.scratchOf(op.out),
    });
  }

  #layerNormParams(op: Extract<PlanOp, { op: "layer_norm" }>) {
    return {
      width: op.x.width,
      gain_at: this.#vector(op.weight),
      bias_at: op.bias ? this.#vector(op.bias) : NONE,
      eps: op.eps,
      on_outputs: onOutputs(op.out.rows),
    };
  }

  #rope(op: Extract<PlanOp, { op: "rope" }>): PlannedDispatch[] {
    const tables = this.#ropeTables(op.rope);
    const params = {
      heads: op.x.width / op.headDim,
      head_dim: op.headDim,
      dims: op.rope.dims,
      style: op.rope.style === "adjacent" ? 1 : 0,
      gain_at: op.norm ? this.#vector(op.norm.gain) : NONE,
      eps: op.norm?.eps ?? 0,
      tables_at: tables.at,
      coarse_at: tables.coarseAt,
    };
    return this.#one("tokens", rope({ norm: !!op.norm }), params, {
      slots: { kind: "slots" },
      x: this.scratchOf(op.x),
      vectors: { kind: "vectors" },
      tables: { kind: "rope" },
      y: this.scratchOf(op.out),
    });
  }

  #kvAppend(k: Value, v: Value, spec: AttentionSpec): PlannedDispatch[] {
    const params = { kv_heads: k.width / spec.headDim, head_dim: spec.headDim, ...this.#pageTable(spec.layer) };
    return this.#one("tokens", kvAppend(this.#input.kv), params, {
      slots: { kind: "slots" },
      k: this.scratchOf(k),
      v: this.scratchOf(v),
      pages: { kind: "pages" },
      kv: { kind: "kv", layer: spec.layer },
    });
  }

  #attention(op: Extract<PlanOp, { op: "attention" }>): PlannedDispatch[] {
    const { spec } = op;
    const params = {
      heads: op.q.width / spec.headDim,
      kv_heads: op.kvWidth / spec.headDim,
      scale: spec.scale ?? 1 / Math.sqrt(spec.headDim),
      window: spec.window ?? 0,
      softcap: spec.softcap ?? 0,
      sinks_at: spec.sinks ? this.#vector(spec.sinks) : NONE,
      ...this.#pageTable(spec.layer),
    };
    return this.#one("tokens", attention(this.#input.kv, { headDim: spec.headDim }), params, {
      slots: { kind: "slots" },
      q: this.scratchOf(op.q),
      pages: { kind: "pages" },
      kv: { kind: "kv", layer: spec.layer },
      vectors: { kind: "vectors" },
      y: this.scratchOf(op.out),
    });
  }

  /** Page tables lie in one buffer, `[groups, slots, pagesPerSlot]`. */
  #pageTable(layer: number) {
    const { groups, slots, pagesPerSlot } = this.#input;
    const group = groups.findIndex(({ layers }) => layers.includes(layer));
    return { table_at: group * slots * pagesPerSlot, pages_per_slot: pagesPerSlot };
  }

  #elementwise(kernel: Kernel, out: Value, factor: number, a: Value, b?: Value): PlannedDispatch[] {
    return this.#one(
      out.rows,
      kernel,
      { width: out.width, factor, on_outputs: onOutputs(out.rows) },
      {
        a: this.scratchOf(a),
        ...(b && { b: this.scratchOf(b) }),
        y: this.scratchOf(out),
      },
    );
  }

  #one(rows: RowKind, kernel: Kernel, params: Record<string, number>, buffers: Record<string, BufferRef>) {
    return [this.#dispatch(rows, kernel, params, buffers)];
  }

  #dispatch(
    rows: RowKind,
    kernel: Kernel,
    params: Record<string, number>,
    buffers: Record<string, BufferRef>,
  ): PlannedDispatch {
    return { kernel, params, buffers: { batch: { kind: "batch" }, ...buffers }, rows };
  }

  #vector(ref: WeightRef): number {
    const known = this.vectors.get(ref.name);
    if (known) return known.at;
    const at = this.vectorElements;
    this.vectors.set(ref.name, { ref, at });
    this.vectorElements += 4 * Math.ceil(ref.shape[0]! / 4); // starts stay 16-byte aligned
    return at;
  }

  #ropeTables(spec: RopeSpec): PlannedRope {
    const key = `${spec.dims} ${spec.factors?.name} ${spec.frequencies.join(" ")}`;
    const known = this.ropes.get(key);
    if (known) return known;
    const at = this.ropeElements;
    const planned = { rope: spec, at, coarseAt: at + coarseOffset(spec.dims) };
    this.ropes.set(key, planned);
    this.ropeElements += (FINE_POSITIONS + Math.ceil(this.#input.context / FINE_POSITIONS)) * spec.dims;
    return planned;
  }

  #matrix(ref: WeightRef): PlannedMatrix {
    const known = this.matrices.get(ref.name);
    if (known) return known;
    const matrix = planMatrix(ref, this.#input.formatOf(ref), this.#input.maxBindingBytes);
    this.matrices.set(ref.name, matrix);
    return matrix;
  }
}

function onOutputs(rows: RowKind): number {
  return rows === "outputs" ? 1 : 0;
}

function sections([, first, second, third]: readonly [number, number, number, number]) {
  return { section_1: first, section_2: second, section_3: third };
}
