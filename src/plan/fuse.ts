// Which operations are joined into one dispatch: two tables of rules, applied in order. Decoding joins most: a dispatch
// costs as much there as a small matrix. Prefill keeps apart what many rows make large.

import type { Graph, Value } from "../graph/graph";
import type { PlanOp } from "./ops";
import { activationAndProduct, gateAndUp } from "./rules/gates";
import { headNormIntoRope, normIntoLinear, sandwichIntoLinear } from "./rules/norms";
import { requestedRowsIntoHead } from "./rules/outputs";
import { addIntoProducer } from "./rules/residual";
import type { Rule, RuleContext } from "./rules/rule";
import { attentionBlock } from "./rules/stacks";

const SHARED: readonly Rule[] = [
  headNormIntoRope,
  normIntoLinear,
  requestedRowsIntoHead,
  activationAndProduct,
  addIntoProducer,
  gateAndUp,
];

export const DECODE_RULES: readonly Rule[] = [
  ...SHARED,
  attentionBlock(
    "attention block, decoding",
    "One row per sequence: who attends to the newest position can norm, turn and store its key itself.",
    ({ spec, out }, qkv) => [{ op: "decode_attention", qkv, spec, out }],
  ),
  sandwichIntoLinear,
];

export const PREFILL_RULES: readonly Rule[] = [
  ...SHARED,
  attentionBlock(
    "attention block, prefill",
    "Rows of a chunk read each other's keys, so all must be stored before: one dispatch prepares them, the next attends.",
    ({ spec, kvHeads, q, out }, qkv, { fresh }) => {
      const prepared = fresh("tokens", q.width);
      return [
        { op: "prepare_qkv", qkv, spec, out: prepared },
        { op: "attention", q: prepared, kvHeads, spec, out },
      ];
    },
  ),
];

/** Applies every rule of a table once, in order. */
export function fuse(
  ops: readonly PlanOp[],
  graph: Graph,
  rules: readonly Rule[],
  stackable: RuleContext["stackable"],
): PlanOp[] {
  let next = graph.nodes.length;
  const fresh: RuleContext["fresh"] = (rows, width): Value => ({ id: next++, rows, width });
  const context: RuleContext = { output: graph.output, fresh, stackable };
  return rules.reduce<PlanOp[]>((list, rule) => rule.apply(list, context), [...ops]);
}
