// Schemes that store the transposed matrix: GPTQ and AWQ. Our rows are their columns, so a band of columns is read at a
// time and kept while its rows are made.
//
// Sources: AutoGPTQ, qlinear_cuda.py (values packed along input features, zero points along output features and stored
// less one, wrapping; weight = (value - zero) · scale; `gptq_v2` stores them as they are); AutoAWQ, utils/packing_utils.py
// (both packed along output features, in the order 0 2 4 6 1 3 5 7).

import { FennecError } from "../../errors";
import type { SafeTensor } from "../../files/safetensors";
import type { HfConfig } from "../config";
import { floatsOf } from "../floats";
import { biasOf, groupedRows, INTS, partOf, SCALES, type Unpacked } from "./grouped";
import type { PackedWeights } from "./packed";
import { actOrder } from "./row_schemes";

/** Packed bytes of a band at most: with larger matrices the file is read several times instead. */
const BAND_BYTES = 24 << 20;

/** Bytes of whole rows read at a time while a band is gathered. */
const READ_BYTES = 4 << 20;

/** Columns `first` to `first + count` of a scheme's tensors. */
interface Band {
  readonly first: number;
  readonly count: number;
  readonly qweight: Uint32Array;
  readonly qzeros: Uint32Array;
  readonly scales: Float32Array;
}

interface Scheme {
  /** Value of input feature `row`, output feature `column` of the band. */
  readonly value: (band: Band, row: number, column: number) => number;
  readonly zero: (band: Band, group: number, column: number) => number;
  /** Input features in a word of qweight: 8 for GPTQ, 1 for AWQ. */
  readonly inputsPerWord: number;
  readonly outputsPerWord: number;
}

export function gptqWeights(config: HfConfig): PackedWeights {
  const bits = config.count("bits");
  if (bits !== 4 && bits !== 8) config.refuse("bits", String(bits), "4 and 8");
  const perWord = 32 / bits;
  const mask = 2 ** bits - 1;
  const stored = config.text("checkpoint_format", "gptq") === "gptq_v2" ? 0 : 1;
  return columnWeights(config, bits, {
    inputsPerWord: perWord,
    outputsPerWord: 1,
    value: ({ qweight, count }, row, column) =>
      (qweight[Math.floor(row / perWord) * count + column]! >>> (bits * (row % perWord))) & mask,
    zero: ({ qzeros, count }, group, column) =>
      ((qzeros[group * (count / perWord) + Math.floor(column / perWord)]! >>> (bits * (column % perWord))) + stored) &
      mask,
  });
}

/** Where AWQ puts output features 0 to 7 in a word, in nibbles from the lowest. */
const AWQ_PLACE = [0, 4, 1, 5, 2, 6, 3, 7] as const;

export function awqWeights(config: HfConfig): PackedWeights {
  const bits = config.count("bits", config.count("w_bit", 4));
  if (bits !== 4) config.refuse("bits", String(bits), "4");
  const version = config.text("version", "gemm").toLowerCase();
  if (version !== "gemm") config.refuse("version", `"${version.slice(0, 40)}"`, '"gemm"');
  const nibble = (words: Uint32Array, width: number, row: number, column: number) =>
    (words[row * (width / 8) + (column >> 3)]! >>> (4 * AWQ_PLACE[column & 7]!)) & 15;
  return columnWeights(config, bits, {
    inputsPerWord: 1,
    outputsPerWord: 8,
    value: ({ qweight, count }, row, column) => nibble(qweight, count, row, column),
    zero: ({ qzeros, count }, group, column) => nibble(qzeros, count, group, column),
  });
}

function columnWeights(config: HfConfig, bits: number, scheme: Scheme): PackedWeights {
  const asked = config.number("group_size", config.number("q_group_size", 128));
  return {
    parts: ["qweight", "qzeros", "scales", "g_idx"],
    claims: (parts) => parts.has("qweight"),
    rows(module, parts) {
      const qweight = partOf(module, parts, "qweight", INTS);
      const cols = qweight.shape[0] * scheme.inputsPerWord;
      const rows = qweight.shape[1] * scheme.outputsPerWord;
      const groupSize = asked === -1 ? cols : asked;
      const perWord = 32 / bits;
      const unit = perWord;
      const scales = partOf(module, parts, "scales", SCALES, [cols / groupSize, rows]);
      const qzeros = partOf(module, parts, "qzeros", INTS, [cols / groupSize, rows / perWord]);
      const order = parts.get("g_idx");
      const bandRows = Math.max(1, Math.floor(BAND_BYTES / ((cols * bits) / 8) / unit)) * unit;
      let band: Band | undefined;
      let ordered = !order;

      async function bandWith(first: number, count: number, signal?: AbortSignal): Promise<Band> {
        if (band && band.first <= first && first + count <= band.first + band.count) return band;
        band = undefined;
        const width = Math.min(Math.max(bandRows, count), rows - first);
        const columns = async (tensor: SafeTensor, share: number) =>
          readColumns(tensor, first / share, width / share, signal);
        band = {
          first,
          count: width,
          qweight: wordsOf(await columns(qweight, scheme.outputsPerWord)),
          qzeros: wordsOf(await columns(qzeros, perWord)),
          scales: floatsOf(scales.dtype, await columns(scales, 1))!,
        };
        return band;
      }
      return groupedRows({
        module,
        bits,
        groupSize,
        rows,
        cols,
        unit,
        async unpack(first, count, signal): Promise<Unpacked> {
          if (!ordered) await checkOrder(module, order!, cols, groupSize, signal);
          ordered = true;
          return unpackBand(module, await bandWith(first, count, signal), first, count, cols, groupSize, scheme);
        },
        release() {
          band = undefined;
        },
      });
    },
  };
}

function unpackBand(
  module: string,
  band: Band,
  first: number,
  count: number,
  cols: number,
  groupSize: number,
  scheme: Scheme,
): Unpacked {
  const groups = cols / groupSize;
  const values = new Uint8Array(count * cols);
  const scales = new Float32Array(count * groups);
  const biases = new Float32Array(count * groups);
  for (let row = 0; row < count; row++) {
    const column = first - band.first + row;
    for (let i = 0; i < cols; i++) values[row * cols + i] = scheme.value(band, i, column);
    for (let group = 0; group < groups; group++) {
      const scale = band.scales[group * band.count + column]!;
      scales[row * groups + group] = scale;
      biases[row * groups + group] = biasOf(module, scheme.zero(band, group, column), scale);
    }
  }
  return { values, scales, biases };
}

/** Columns of a matrix, gathered from reads of whole rows. */
async function readColumns(
  tensor: SafeTensor,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const [rows, width] = tensor.shape as readonly [number, number];
  const item = tensor.bytes / (rows * width);
  const step = Math.max(1, Math.floor(READ_BYTES / (width * item)));
  const out = new Uint8Array(rows * count * item);
  for (let row = 0; row < rows; row += step) {
    const take = Math.min(step, rows - row);
    const bytes = await tensor.source.read(tensor.offset + row * width * item, take * width * item, signal);
    for (let i = 0; i < take; i++) {
      const from = (i * width + first) * item;
      out.set(bytes.subarray(from, from + count * item), (row + i) * count * item);
    }
  }
  return out;
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** @throws FennecError `file-unsupported` when the groups are not neighbouring columns in order. */
async function checkOrder(
  module: string,
  order: SafeTensor,
  cols: number,
  groupSize: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (order.dtype !== "I32" || order.shape.length !== 1 || order.shape[0] !== cols) {
    throw new FennecError(
      "tensor-shape",
      `"${module}.g_idx": expected I32 [${cols}], got ${order.dtype} [${order.shape}].`,
    );
  }
  const index = wordsOf(await order.source.read(order.offset, order.bytes, signal));
  if (!index.every((group, column) => group === Math.floor(column / groupSize))) throw actOrder(module);
}
