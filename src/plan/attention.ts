// Attention as dispatches: fused for decoding, prepared and then attended for prefill, or step by step.

import { attention } from "../../kernels/attention/attention";
import { attentionCombine } from "../../kernels/attention_combine/attention_combine";
import { SPLIT_TOKENS } from "../../kernels/common/batch";
import { decodeAttention } from "../../kernels/decode_attention/decode_attention";
import { kvAppend } from "../../kernels/kv_append/kv_append";
import { prepareQkv } from "../../kernels/prepare_qkv/prepare_qkv";
import type { AttentionSpec, Value } from "../graph/graph";
import { dispatch, NONE, ropeStyle } from "./dispatch";
import type { PlanOp, Qkv } from "./ops";
import type { BufferRef, PlanInput, PlannedDispatch } from "./plan";
import type { PlanResources } from "./resources";

type AttentionOp = Extract<PlanOp, { op: "kv_append" | "attention" | "decode_attention" | "prepare_qkv" }>;

/** Words behind the head's sum in a partial result: maximum, total, two unused. */
const PARTIAL_TAIL = 4;

export class AttentionLowering {
  /** f32 that a row's partial results need at most, over all layers. */
  partialElements = 0;
  readonly #input: PlanInput;
  readonly #resources: PlanResources;
  readonly #scratchOf: (value: Value) => BufferRef;

  constructor(input: PlanInput, resources: PlanResources, scratchOf: (value: Value) => BufferRef) {
    this.#input = input;
    this.#resources = resources;
    this.#scratchOf = scratchOf;
  }

  dispatchesOf(op: AttentionOp): PlannedDispatch[] {
    switch (op.op) {
      case "kv_append":
        return [this.#append(op)];
      case "attention":
        return [this.#attend(op)];
      case "prepare_qkv":
        return [this.#prepare(op)];
      case "decode_attention":
        return this.#decode(op);
    }
  }

  #append({ k, v, spec }: Extract<AttentionOp, { op: "kv_append" }>): PlannedDispatch {
    const params = { kv_heads: k.width / spec.headDim, head_dim: spec.headDim, ...this.#pageTable(spec) };
    return dispatch("tokens", kvAppend(this.#input.kv), params, {
      slots: { kind: "slots" },
      k: this.#scratchOf(k),
      v: this.#scratchOf(v),
      ...cacheOf(spec),
    });
  }

  #attend({ q, kvHeads, spec, out }: Extract<AttentionOp, { op: "attention" }>): PlannedDispatch {
    const params = { kv_heads: kvHeads, ...this.#scores(spec, q.width / spec.headDim), ...this.#pageTable(spec) };
    return dispatch("tokens", attention(this.#input.kv, { headDim: spec.headDim }), params, {
      slots: { kind: "slots" },
      q: this.#scratchOf(q),
      ...cacheOf(spec),
      vectors: { kind: "vectors" },
      y: this.#scratchOf(out),
    });
  }

  #prepare({ qkv, spec, out }: Extract<AttentionOp, { op: "prepare_qkv" }>): PlannedDispatch {
    const { headDim } = spec;
    const kernel = prepareQkv(this.#input.kv, { headDim, headNorm: !!qkv.headNorm });
    const params = { heads: qkv.heads, ...this.#heads(qkv, spec) };
    return dispatch("tokens", kernel, params, { ...this.#headBuffers(qkv, spec), q: this.#scratchOf(out) });
  }

  #decode({ qkv, spec, out }: Extract<AttentionOp, { op: "decode_attention" }>): PlannedDispatch[] {
    const { headDim } = spec;
    const splits = Math.ceil(this.#input.context / SPLIT_TOKENS);
    if (splits > 1)
      this.partialElements = Math.max(this.partialElements, qkv.heads * splits * (headDim + PARTIAL_TAIL));
    const scores = this.#scores(spec, qkv.heads);
    const y = this.#scratchOf(out);
    const attend = dispatch(
      "tokens",
      decodeAttention(this.#input.kv, { headDim, headNorm: !!qkv.headNorm, group: qkv.heads / qkv.kvHeads }),
      { ...scores, ...this.#heads(qkv, spec), splits },
      { ...this.#headBuffers(qkv, spec), y, partials: { kind: "partials" } },
    );
    if (splits === 1) return [attend];
    const { heads, window, sinks_at } = scores;
    const combine = dispatch(
      "tokens",
      attentionCombine({ headDim }),
      { heads, window, sinks_at, splits },
      { slots: { kind: "slots" }, partials: { kind: "partials" }, vectors: { kind: "vectors" }, y },
    );
    return [attend, { ...combine, onlySplit: true }];
  }

  #scores(spec: AttentionSpec, heads: number) {
    return {
      heads,
      scale: spec.scale ?? 1 / Math.sqrt(spec.headDim),
      window: spec.window ?? 0,
      softcap: spec.softcap ?? 0,
      sinks_at: spec.sinks ? this.#resources.vector(spec.sinks) : NONE,
    };
  }

  /** Where the heads lie in a row of `qkv`, and what is done to them before they are used. */
  #heads({ value, heads, kvHeads, headNorm, rope }: Qkv, spec: AttentionSpec) {
    const tables = rope && this.#resources.rope(rope);
    return {
      kv_heads: kvHeads,
      ...this.#pageTable(spec),
      qkv_stride: value.width,
      q_at: 0,
      k_at: heads * spec.headDim,
      v_at: (heads + kvHeads) * spec.headDim,
      q_gain_at: headNorm ? this.#resources.vector(headNorm.q) : NONE,
      k_gain_at: headNorm ? this.#resources.vector(headNorm.k) : NONE,
      eps: headNorm?.eps ?? 0,
      rope_dims: rope?.dims ?? 0,
      rope_style: rope ? ropeStyle(rope) : 0,
      tables_at: tables?.at ?? 0,
      coarse_at: tables?.coarseAt ?? 0,
    };
  }

  #headBuffers(qkv: Qkv, spec: AttentionSpec): Record<string, BufferRef> {
    return {
      slots: { kind: "slots" },
      qkv: this.#scratchOf(qkv.value),
      ...cacheOf(spec),
      vectors: { kind: "vectors" },
      tables: { kind: "rope" },
    };
  }

  /** Page tables lie in one buffer, `[groups, slots, pagesPerSlot]`. */
  #pageTable({ layer }: AttentionSpec) {
    const { groups, slots, pagesPerSlot } = this.#input;
    const group = groups.findIndex(({ layers }) => layers.includes(layer));
    return { table_at: group * slots * pagesPerSlot, pages_per_slot: pagesPerSlot };
  }
}

function cacheOf({ layer }: AttentionSpec): { readonly pages: BufferRef; readonly kv: BufferRef } {
  return { pages: { kind: "pages" }, kv: { kind: "kv", layer } };
}
