// Which scheme a config's quantization field names. A new scheme is a file and a line here.

import type { HfConfig } from "../config";
import { awqWeights, gptqWeights } from "./column_schemes";
import type { PackedWeights } from "./packed";
import { compressedTensors, mlxWeights } from "./row_schemes";

const METHODS: ReadonlyMap<string, (config: HfConfig) => PackedWeights> = new Map([
  ["gptq", gptqWeights],
  ["awq", awqWeights],
  ["compressed-tensors", compressedTensors],
]);

/**
 * The scheme of `quantization_config`, or of MLX's `quantization`; undefined for float weights.
 * @throws FennecError `file-unsupported` naming a scheme or variant that this version does not read.
 */
export function packedWeights(config: HfConfig): PackedWeights | undefined {
  const own = config.part("quantization_config");
  const method = own?.text("quant_method", "mlx") ?? "mlx";
  if (own && method !== "mlx") {
    const make = METHODS.get(method);
    if (make) return make(own);
    return own.refuse("quant_method", `"${method.slice(0, 40)}"`, `${[...METHODS.keys()].join(", ")} and MLX`);
  }
  const mlx = config.part("quantization") ?? own;
  return mlx && mlxWeights(mlx);
}
