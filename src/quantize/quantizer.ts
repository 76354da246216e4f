// What a quantizer is: f32 weights to the blocks of one ggml type. One file per type; formats.ts is the table. Quantizers
// hold no state between blocks and never look past one.

import { ggmlTypeByName } from "../files/ggml_types";

export interface Quantizer {
  /** ggml's name: `Q4_K`. */
  readonly type: string;
  /** Weights and bytes of one block. */
  readonly blockWeights: number;
  readonly blockBytes: number;
  /** The blocks of `values`, whose length is a multiple of `blockWeights`. All values are finite. */
  quantize(values: Float32Array): Uint8Array<ArrayBuffer>;
}

/** Writes the block of the weights from `at` on to the bytes from `to` on, which are zero before. */
export type WriteBlock = (values: Float32Array, at: number, out: DataView<ArrayBuffer>, to: number) => void;

export function defineQuantizer(type: string, write: WriteBlock): Quantizer {
  const { blockWeights, blockBytes } = ggmlTypeByName(type)!;
  return {
    type,
    blockWeights,
    blockBytes,
    quantize(values) {
      const bytes = new Uint8Array((values.length / blockWeights) * blockBytes);
      const out = new DataView(bytes.buffer);
      for (let at = 0, to = 0; at < values.length; at += blockWeights, to += blockBytes) write(values, at, out, to);
      return bytes;
    },
  };
}
