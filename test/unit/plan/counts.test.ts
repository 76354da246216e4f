// How many dispatches the plans of real models have: 5 a layer when decoding (6 where contexts are split), 3 around them.

import { describe, expect, test } from "vitest";
import { formatOf } from "../../../kernels/quant/index";
import { cacheGroups } from "../../../src/backends/cache_groups";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import type { WeightsFile } from "../../../src/files/weights_file";
import { type RecordedModel, recordModel } from "../../../src/model/record";
import { buildPlan } from "../../../src/plan/lower";
import type { Plan } from "../../../src/plan/plan";
import { openFixtureModel } from "../../support/files";
import { ggufBytes } from "../../support/gguf_writer";
import { type RandomModel, randomModel } from "../../support/random_model";

const openRandomModel = (model: RandomModel) => openWeights(memorySource(ggufBytes(randomModel(model)), "random.gguf"));

interface Limits {
  readonly context?: number;
  readonly maxBindingBytes?: number;
  readonly int8?: boolean;
}

function planOf(file: WeightsFile, { context = 2048, maxBindingBytes = 2 ** 27, int8 = false }: Limits = {}) {
  const { graph, config }: RecordedModel = recordModel(file);
  const sizes = {
    pageTokens: 32,
    headBytes: (headDim: number) => 4 * headDim,
    chunk: 64,
    slots: 2,
    context,
    kvTokens: 2 * context,
  };
  const plan = buildPlan({
    graph,
    vocab: config.vocab,
    kv: "f32",
    int8,
    groups: cacheGroups(graph, sizes),
    pagesPerSlot: context / 32,
    slots: 2,
    context,
    maxBindingBytes,
    formatOf: (weight) => formatOf(file.tensors.get(weight.name)!.type),
  });
  return { plan, layers: config.layers };
}

/** Per layer and around the layers; `split` where contexts are longer than a split. */
function counts(plan: Plan, layers: number) {
  const all = plan.decode.length + plan.sampling.length;
  const split = plan.decode.filter(({ onlySplit }) => onlySplit).length;
  return { layer: (all - split - 3) / layers, split: split / layers };
}

const nano = ["llama-nano-F32", "qwen2-nano-F16", "qwen3-nano-F32", "gemma3-nano-F16"];

describe("decoding", () => {
  test.each(nano)("%s: five a layer, six when split, three around them", async (name) => {
    const file = await openFixtureModel(`nano/${name}.gguf`);
    const { plan, layers } = planOf(file);
    expect(counts(plan, layers)).toEqual({ layer: 5, split: 1 });
    const short = planOf(file, { context: 512 });
    expect(counts(short.plan, layers), "a context of one split").toEqual({ layer: 5, split: 0 });
  });

  test.each([
    ["v in another type", { "attn_v.weight": "Q6_K" }, 5],
    ["q, k and v in three types", { "attn_k.weight": "Q8_0", "attn_v.weight": "Q6_K" }, 5],
    ["gate and up in two types", { "ffn_up.weight": "Q5_K", "ffn_down.weight": "Q6_K" }, 5],
  ])("mixed types, %s: still five", async (_, types, want) => {
    const file = await openRandomModel({ architecture: "qwen3", dim: 256, hidden: 512, type: "Q4_K", types });
    const { plan, layers } = planOf(file);
    expect(counts(plan, layers).layer).toBe(want);
  });

  test("one buffer holds what one dispatch reads in one type; nothing is held twice", async () => {
    const file = await openRandomModel({ dim: 256, hidden: 512, type: "Q4_0", tied: true });
    const { plan, layers } = planOf(file);
    expect(plan.matrices).toHaveLength(1 + 4 * layers); // embedding, qkv, o, gate-up, down
    const held = plan.matrices.flatMap(({ tensors }) => tensors.map(({ name }) => name));
    expect(new Set(held).size).toBe(held.length);
  });

  test("matrices of a stack that fit a binding only alone have buffers of their own", async () => {
    const file = await openRandomModel({ dim: 256, hidden: 512, type: "F32" });
    const { plan, layers } = planOf(file, { maxBindingBytes: 4 * 256 * 512 });
    expect(counts(plan, layers).layer).toBe(5);
    expect(plan.decode.filter(({ buffers }) => "w_1" in buffers)).toHaveLength(layers);
  });

  test("biases on some of the matrices keep them apart", async () => {
    const file = await openRandomModel({ dim: 256, hidden: 512, biases: ["attn_q", "ffn_gate"] });
    const { plan, layers } = planOf(file);
    const names = plan.decode.map(({ kernel }) => kernel.name.replace(/_.*/, ""));
    const count = (name: string) => names.filter((other) => other === name).length;
    expect([count("linear"), count("rope"), count("kv"), count("gated")]).toEqual([
      7 * layers + 1,
      2 * layers,
      layers,
      layers,
    ]);
  });

  test("a matrix in several parts is not stacked: one dispatch each", async () => {
    const file = await openRandomModel({ dim: 256, hidden: 512, type: "F32" });
    const { plan, layers } = planOf(file, { maxBindingBytes: 4 * 256 * 256 });
    // gate and up in two parts each and their product are 5 instead of 1.
    expect(plan.decode.filter(({ kernel }) => kernel.name.startsWith("gated"))).toHaveLength(layers);
  });
});

test("rows in eight bits where they are asked for, for matrices whose formats allow it", async () => {
  const types = { "attn_v.weight": "Q6_K", "ffn_down.weight": "IQ4_NL" };
  const file = await openRandomModel({ dim: 256, hidden: 512, type: "Q4_K", embedType: "F16", types });
  const linears = (int8: boolean) =>
    planOf(file, { int8 })
      .plan.decode.map(({ kernel }) => kernel.name)
      .filter((name) => name.startsWith("linear"));
  expect(linears(false).filter((name) => name.includes("int8"))).toEqual([]);
  const [qkv, out, gateUp, down, ...rest] = linears(true);
  for (const name of [qkv, out, gateUp]) expect(name).toContain("int8");
  for (const name of [down, rest.at(-1)]) expect(name).not.toContain("int8"); // IQ4_NL, and the head in F16
});

test("all storage buffers of a dispatch are different, but for those that are only read", async () => {
  for (const name of nano) {
    const { plan } = planOf(await openFixtureModel(`nano/${name}.gguf`));
    for (const { kernel, buffers } of [...plan.decode, ...plan.prefill, ...plan.sampling]) {
      const written = Object.entries(kernel.bindings).filter(([, access]) => access === "read_write");
      for (const [binding] of written) {
        const same = Object.entries(buffers).filter(
          ([, ref]) => JSON.stringify(ref) === JSON.stringify(buffers[binding]),
        );
        expect(
          same.map(([other]) => other),
          `${kernel.name} in ${name}`,
        ).toEqual([binding]);
      }
    }
  }
});
