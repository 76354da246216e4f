// Every model's forward on a recorder that only computes shapes, with sizes that are distinct and mostly prime.

import { describe, expect, test } from "vitest";
import { models } from "../../../models/index";
import type { WeightSpec, WeightTree } from "../../../models/model";
import { type Graph, recordGraph } from "../../../src/graph/graph";
import { modelMetaOf } from "../../../src/model/model_meta";
import { recordModel } from "../../../src/model/record";
import { headerOf, ODD_SIZES, specsOf } from "../../support/model_files";

describe.each([...models.keys()])("%s", (architecture) => {
  const model = models.get(architecture)!;
  const config = model.config(modelMetaOf(headerOf(architecture)));
  const table = model.weights(config);
  const matrices = specsOf(table).filter((spec) => spec.shape.length === 2);

  test("forward gives a row of logits per output", () => {
    const { graph } = recordModel(headerOf(architecture));
    expect(graph.output).toMatchObject({ rows: "outputs", width: ODD_SIZES.vocab });
    expect(graph.caches).toHaveLength(ODD_SIZES.layers);
    for (const cache of graph.caches) expect(cache).toMatchObject({ kvHeads: 3, headDim: 22 });
  });

  test("optional weights are used when the file has them", () => {
    const without = readBy(recordModel(headerOf(architecture)).graph);
    const optional = specsOf(table).filter((spec) => spec.optional);
    const { graph, weights } = recordModel(headerOf(architecture, { optional: true }));
    const used = readBy(graph);
    for (const { name } of optional) {
      expect(without, name).not.toContain(name);
      expect(used, name).toContain(name);
    }
    expect(new Set(weights.map(({ ref }) => ref.name))).toEqual(used);
  });

  test.each(matrices.filter((spec) => !/blk\.[1-9]/.test(spec.name)))("$name with its axes swapped fails", (spec) => {
    expect(() => recordGraph((g) => model.forward(g, config, swapped(table, spec.name)))).toThrow(
      expect.objectContaining({ code: "tensor-shape" }),
    );
  });
});

test("the first layers differ in nothing but their names", () => {
  // The tests above swap axes in layer 0 only; this is why that suffices.
  for (const model of models.values()) {
    const specs = specsOf(model.weights(model.config(modelMetaOf(headerOf(model.architecture)))));
    const layer = (n: number) =>
      specs
        .filter(({ name }) => name.startsWith(`blk.${n}.`))
        .map(({ name, shape }) => `${name.replace(`blk.${n}.`, "")} ${shape}`);
    for (let n = 1; n < ODD_SIZES.layers; n++) expect(layer(n)).toEqual(layer(0));
  }
});

/** The table with every optional weight present and one matrix's axes swapped, as `forward` gets it. */
function swapped(tree: WeightTree, name: string): unknown {
  if (tree === undefined) return undefined;
  if ("name" in tree && "shape" in tree) {
    const spec = tree as WeightSpec;
    return { name: spec.name, shape: spec.name === name ? [...spec.shape].reverse() : spec.shape };
  }
  if (Array.isArray(tree)) return tree.map((branch) => swapped(branch, name));
  return Object.fromEntries(Object.entries(tree).map(([key, branch]) => [key, swapped(branch, name)]));
}

/** Names of all weights that a graph reads. */
function readBy(graph: Graph): ReadonlySet<string> {
  const names = graph.nodes.flatMap((node) => [
    "weight" in node ? node.weight.name : undefined,
    "bias" in node ? node.bias?.name : undefined,
    node.op === "rope" ? node.rope.factors?.name : undefined,
  ]);
  return new Set(names.filter((name) => name !== undefined));
}
