// From an opened file to a recorded graph: which model it is, its sizes, its checked weights, one recording of
// `forward`. No weight is read here, and no backend is known.

import { FORMATS } from "../../kernels/quant/index";
import { models } from "../../models/index";
import type { BaseConfig, Model } from "../../models/model";
import { FennecError } from "../errors";
import type { WeightsFile } from "../files/weights_file";
import { type Graph, recordGraph } from "../graph/graph";
import { modelMetaOf } from "./model_meta";
import { type ResolvedWeight, resolveWeights } from "./weights";

export interface RecordedModel {
  readonly model: Model;
  readonly config: BaseConfig;
  readonly graph: Graph;
  /** Every tensor that the graph reads, once. */
  readonly weights: readonly ResolvedWeight[];
}

/**
 * Resolves a file against the table of architectures and records its graph.
 *
 * @throws FennecError `file-unsupported` (architecture, weight type, option), `metadata-missing`, `metadata-type`,
 *   `file-corrupt` (a size outside its limits), `tensor-missing`, `tensor-shape`.
 */
export function recordModel(file: WeightsFile): RecordedModel {
  const meta = modelMetaOf(file);
  const model = models.get(meta.architecture);
  if (!model)
    throw new FennecError(
      "file-unsupported",
      `${file.name}: architecture "${meta.architecture.slice(0, 60)}" is not supported; this version runs ` +
        `${[...models.keys()].sort().join(", ")}.`,
    );
  const config = model.config(meta);
  const weights = resolveWeights(file, model.architecture, model.weights(config), FORMATS);
  const graph = recordGraph((g) => model.forward(g, config, weights.tree));
  return { model, config, graph, weights: weights.list };
}
