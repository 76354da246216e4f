// Rotary settings of a Hugging Face config as GGUF metadata, in the old spelling (`rope_theta`, `rope_scaling`) and the
// new one (`rope_parameters`, by layer type where layers differ), and Llama 3's table of frequency divisors.
//
// Sources: transformers, modeling_rope_utils.py; llama.cpp, convert_hf_to_gguf.py (`LlamaModel.generate_extra_tensors`).

import type { MetadataValue } from "../files/weights_file";
import { type HfConfig, headDim } from "./config";

interface RopeDefaults {
  readonly theta: number;
  /** For layers with a window. */
  readonly localTheta?: number;
  /** Names of the layer types in `rope_parameters`. */
  readonly global?: string;
  readonly local?: string;
}

/** Keys without the architecture. @throws FennecError `file-unsupported` for kinds of scaling other than linear and llama3. */
export function ropeMetadata(
  config: HfConfig,
  defaults: RopeDefaults = { theta: 10_000 },
): Readonly<Record<string, MetadataValue>> {
  const { global, local } = partsOf(config, defaults);
  const scaling = scalingOf(config, global);
  const kind = kindOf(scaling);
  const metadata: Record<string, MetadataValue> = {
    "rope.freq_base": (global ?? config).number("rope_theta", config.number("rope_theta", defaults.theta)),
  };
  if (defaults.localTheta !== undefined) {
    metadata["rope.freq_base_swa"] =
      local?.number("rope_theta", defaults.localTheta) ?? config.number("rope_local_base_freq", defaults.localTheta);
  }
  if (scaling && kind === "linear") {
    metadata["rope.scaling.type"] = "linear";
    metadata["rope.scaling.factor"] = scaling.number("factor");
  } else if (scaling && kind !== "default" && kind !== "llama3") {
    scaling.refuse("rope_type", `"${kind.slice(0, 40)}"`, '"default", "linear" and "llama3"');
  }
  return metadata;
}

function partsOf(config: HfConfig, { global, local }: RopeDefaults) {
  const parameters = config.part("rope_parameters");
  return {
    global: (global ? parameters?.part(global) : undefined) ?? parameters,
    local: local ? parameters?.part(local) : undefined,
  };
}

function scalingOf(config: HfConfig, parameters: HfConfig | undefined): HfConfig | undefined {
  return config.part("rope_scaling") ?? parameters;
}

function kindOf(scaling: HfConfig | undefined): string {
  return scaling?.text("rope_type", scaling.text("type", "default")) ?? "default";
}

/** Divisors of the frequencies, `[headDim / 2]`; undefined where the config has none. */
export function llama3RopeFactors(config: HfConfig): Float32Array<ArrayBuffer> | undefined {
  const scaling = scalingOf(config, config.part("rope_parameters"));
  if (!scaling || kindOf(scaling) !== "llama3") return undefined;
  const base = scaling.number("rope_theta", config.number("rope_theta", 10_000));
  const dims = headDim(config);
  if (!(dims >= 2 && dims <= MAX_DIMS)) config.refuse("head_dim", String(dims), `2 to ${MAX_DIMS}`);
  const factor = scaling.number("factor", 8);
  const low = scaling.number("low_freq_factor", 1);
  const high = scaling.number("high_freq_factor", 4);
  const trained = scaling.number("original_max_position_embeddings", 8192);
  return Float32Array.from({ length: dims / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * base ** ((2 * i) / dims);
    if (wavelength < trained / high) return 1;
    if (wavelength > trained / low) return factor;
    const smooth = (trained / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

const MAX_DIMS = 4_096;
