// Schemes whose packed rows are our rows: MLX, and compressed-tensors' pack-quantized.
//
// Sources: MLX, `mlx.core.quantize` and `dequantize` (mode affine): weight = value · scale + bias, values packed into u32,
// lowest first. compressed-tensors, pack_quantized.py (`pack_to_int32`): values and zero points with 2^(bits - 1) added,
// packed into i32, lowest first, values along columns and zero points along rows; weight = (value - zero) · scale.

import { FennecError } from "../../errors";
import type { HfConfig } from "../config";
import { biasOf, floatRowsOf, groupedRows, INTS, partOf, rowsOf, SCALES, unpackWords } from "./grouped";
import type { PackedWeights } from "./packed";

/** @param config Of `quantization`: `group_size`, `bits`, `mode`, and the same again under a module's name. */
export function mlxWeights(config: HfConfig): PackedWeights {
  const mode = config.text("mode", "affine");
  if (mode !== "affine") config.refuse("mode", `"${mode.slice(0, 40)}"`, '"affine"');
  return {
    parts: ["weight", "scales", "biases"],
    claims: (parts) => parts.has("scales"),
    rows(module, parts) {
      const weight = partOf(module, parts, "weight", INTS);
      const scales = partOf(module, parts, "scales", SCALES);
      const biases = partOf(module, parts, "biases", SCALES, scales.shape);
      const groupSize = (config.part(module) ?? config).count("group_size", config.count("group_size", 64));
      const [rows] = weight.shape;
      const cols = scales.shape[1] * groupSize;
      const bits = (weight.shape[1] * 32) / cols;
      if (scales.shape[0] !== rows) partOf(module, parts, "scales", SCALES, [rows]);
      return groupedRows({
        module,
        bits,
        groupSize,
        rows,
        cols,
        unit: 1,
        unpack: async (first, count, signal) => ({
          values: unpackWords(await rowsOf(weight, first, count, signal), bits),
          scales: await floatRowsOf(scales, first, count, signal),
          biases: await floatRowsOf(biases, first, count, signal),
        }),
      });
    },
  };
}

/** @param config Of `quantization_config`. @throws FennecError `file-unsupported` for other formats than pack-quantized. */
export function compressedTensors(config: HfConfig): PackedWeights {
  const format = config.text("format", "");
  if (format !== "pack-quantized") config.refuse("format", `"${format.slice(0, 40)}"`, '"pack-quantized"');
  const groups = config.part("config_groups");
  const names = Object.keys(groups?.object ?? {});
  const weights = groups?.part(names[0] ?? "")?.part("weights");
  if (!groups || !weights || names.length !== 1) return config.refuse("config_groups", `${names.length} groups`, "one");
  const bits = weights.count("num_bits");
  if (bits !== 4 && bits !== 8) weights.refuse("num_bits", String(bits), "4 and 8");
  const strategy = weights.text("strategy", "group");
  if (weights.text("type", "int") !== "int") weights.refuse("type", "float", '"int"');
  return {
    parts: ["weight_packed", "weight_scale", "weight_zero_point", "weight_shape"],
    claims: (parts) => parts.has("weight_packed"),
    rows(module, parts) {
      if (parts.has("weight_g_idx")) throw actOrder(module);
      const packed = partOf(module, parts, "weight_packed", INTS);
      const perWord = 32 / bits;
      const [rows] = packed.shape;
      const cols = packed.shape[1] * perWord;
      const groupSize = strategy === "group" ? weights.count("group_size") : cols;
      const scales = partOf(module, parts, "weight_scale", SCALES, [rows, cols / groupSize]);
      const zeros = parts.has("weight_zero_point")
        ? partOf(module, parts, "weight_zero_point", INTS, [Math.ceil(rows / perWord), cols / groupSize])
        : undefined;
      const middle = 2 ** (bits - 1);
      const perRow = scales.shape[1];
      return groupedRows({
        module,
        bits,
        groupSize,
        rows,
        cols,
        unit: 1,
        async unpack(first, count, signal) {
          const values = unpackWords(await rowsOf(packed, first, count, signal), bits);
          const found = await floatRowsOf(scales, first, count, signal);
          const from = Math.floor(first / perWord);
          const words = zeros && (await rowsOf(zeros, from, Math.ceil((first + count) / perWord) - from, signal));
          const view = words && new DataView(words.buffer, words.byteOffset, words.byteLength);
          const biases = found.map((scale, index) => {
            const row = first + Math.floor(index / perRow);
            const word = view?.getUint32(4 * ((Math.floor(row / perWord) - from) * perRow + (index % perRow)), true);
            const zero = word === undefined ? middle : (word >>> (bits * (row % perWord))) & (2 ** bits - 1);
            return biasOf(module, zero, scale);
          });
          return { values, scales: found, biases };
        },
      });
    },
  };
}

/** Columns in an order of their own: groups of our formats are neighbours. */
export function actOrder(module: string): FennecError {
  return new FennecError(
    "file-unsupported",
    `"${module}": its columns are in activation order (act-order, desc_act), so that groups are not neighbouring ` +
      "columns; this version reads files without it. Try another quantization of the model, such as its GGUF file.",
  );
}
