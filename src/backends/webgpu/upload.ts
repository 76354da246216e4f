// Weights from the file to the GPU: bytes stream into a small ring of staging buffers in whole blocks and are repacked
// there by a kernel. The host never holds more than one chunk of a tensor and never looks at a weight.

import { CODEBOOK_SECTION, codebookWords } from "../../../kernels/quant/codebooks";
import { FennecError } from "../../errors";
import type { TensorInfo } from "../../files/weights_file";
import type { PlannedMatrix } from "../../plan/plan";
import { encodeParams, paramBytes } from "./bindings";
import type { GpuMemory } from "./memory";
import type { Pipelines } from "./pipelines";

/** Bytes uploaded at a time. Large enough to keep the GPU busy, small enough for phones. */
const CHUNK_BYTES = 4 << 20;
/** Chunks that may be on their way at once. */
const RING = 3;

export class Uploader {
  readonly #device: GPUDevice;
  readonly #memory: GpuMemory;
  readonly #pipelines: Pipelines;
  readonly #staging: readonly GPUBuffer[];
  readonly #params: readonly GPUBuffer[];
  readonly #busy: (Promise<unknown> | undefined)[] = new Array(RING).fill(undefined);
  readonly #faults: GPUBuffer;
  readonly #faultNames: string[] = [];
  readonly #faultStride: number;
  readonly #buffers = new Map<string, readonly GPUBuffer[]>();
  #next = 0;

  constructor(device: GPUDevice, memory: GpuMemory, pipelines: Pipelines, tensors: number) {
    this.#device = device;
    this.#memory = memory;
    this.#pipelines = pipelines;
    const { STORAGE, COPY_DST, COPY_SRC, UNIFORM } = GPUBufferUsage;
    const ring = (label: string, bytes: number, usage: number) =>
      Array.from({ length: RING }, (_, i) => memory.create(`${label} ${i}`, bytes, usage, "other"));
    this.#staging = ring("staging", CHUNK_BYTES, STORAGE | COPY_DST);
    this.#params = ring("repack params", 256, UNIFORM | COPY_DST);
    this.#faultStride = device.limits.minStorageBufferOffsetAlignment;
    this.#faults = memory.create("faults", this.#faultStride * tensors, STORAGE | COPY_SRC, "other");
  }

  /** By matrix name, one buffer per part. */
  get buffers(): ReadonlyMap<string, readonly GPUBuffer[]> {
    return this.#buffers;
  }

  /**
   * Streams one of a matrix's tensors to the GPU. The buffers are made with the first of them.
   *
   * @throws FennecError of the source, or `aborted`.
   */
  async upload(
    matrix: PlannedMatrix,
    tensor: TensorInfo,
    signal: AbortSignal | undefined,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const fault = this.#faultNames.push(tensor.name) - 1;
    const { format, cols } = matrix;
    const row_blocks = Math.ceil(cols / format.blockWeights);
    const rowBytes = row_blocks * format.blockBytes;
    const buffers = this.#buffersOf(matrix);
    for (const { part, tensorRow, row, rows } of piecesOf(matrix, tensor.name)) {
      const target = buffers[part]!;
      const { layout } = matrix.parts[part]!;
      const step = format.blockBytes * layout.chunkBlocks;
      const chunkBytes = step * Math.max(1, Math.floor(CHUNK_BYTES / step));
      let first_block = row * row_blocks;
      const bytes = tensor.source.stream(tensor.offset + tensorRow * rowBytes, rows * rowBytes, signal);
      for await (const { length, words } of rechunked(bytes, chunkBytes)) {
        const blocks = length / format.blockBytes;
        await this.#repack(matrix, target, layout.sections, { first_block, blocks, row_blocks }, words, fault);
        first_block += blocks;
        onBytes(length);
      }
    }
  }

  #buffersOf(matrix: PlannedMatrix): readonly GPUBuffer[] {
    const known = this.#buffers.get(matrix.name);
    if (known) return known;
    const { STORAGE, COPY_DST } = GPUBufferUsage;
    const buffers = matrix.parts.map(({ layout }) => {
      const buffer = this.#memory.create(matrix.name, layout.bytes, STORAGE | COPY_DST, "weights");
      const { codebook } = matrix.format;
      if (codebook)
        this.#device.queue.writeBuffer(buffer, 4 * layout.sections[CODEBOOK_SECTION], codebookWords(codebook));
      return buffer;
    });
    this.#buffers.set(matrix.name, buffers);
    return buffers;
  }

  /** Waits for the GPU, frees the ring. @throws FennecError `tensor-not-finite` naming the first tensor with NaN or Inf. */
  async finish(): Promise<void> {
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    const result = this.#memory.create("faults readback", this.#faults.size, MAP_READ | COPY_DST, "other");
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#faults, 0, result, 0, this.#faults.size);
    this.#device.queue.submit([encoder.finish()]);
    await result.mapAsync(GPUMapMode.READ);
    const counts = new Uint32Array(result.getMappedRange().slice(0));
    for (const buffer of [...this.#staging, ...this.#params, this.#faults, result])
      this.#memory.release(buffer, "other");
    this.#faultNames.forEach((name, index) => {
      const found = counts[(index * this.#faultStride) / 4]!;
      if (found > 0)
        throw new FennecError(
          "tensor-not-finite",
          `tensor "${name}" has NaN or infinite values (${found} scales or weights): the file is damaged. Download it again.`,
        );
    });
  }

  async #repack(
    { format }: PlannedMatrix,
    target: GPUBuffer,
    sections: readonly [number, number, number, number],
    range: { readonly first_block: number; readonly blocks: number; readonly row_blocks: number },
    words: Uint8Array<ArrayBuffer>,
    fault: number,
  ): Promise<void> {
    const slot = this.#next;
    this.#next = (slot + 1) % RING;
    await this.#busy[slot];
    const { repack } = format;
    const staging = this.#staging[slot]!;
    const params = this.#params[slot]!;
    const { variant, pipeline } = await this.#pipelines.compile(repack, 1);
    const values = { ...range, section_1: sections[1], section_2: sections[2], section_3: sections[3] };
    const resources: Record<string, GPUBindingResource> = {
      params: { buffer: params, size: paramBytes(repack.params) },
      source: { buffer: staging },
      w: { buffer: target },
      faults: { buffer: this.#faults, offset: fault * this.#faultStride, size: 4 },
    };
    this.#device.queue.writeBuffer(params, 0, encodeParams(repack, values));
    this.#device.queue.writeBuffer(staging, 0, words);
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      this.#device.createBindGroup({
        layout: this.#pipelines.layout(repack),
        entries: Object.keys(repack.bindings).map((name, binding) => ({ binding, resource: resources[name]! })),
      }),
    );
    pass.dispatchWorkgroups(...variant.grid(values, 1, this.#pipelines.traits, { splits: 1 }));
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
    this.#busy[slot] = this.#device.queue.onSubmittedWorkDone();
  }
}

/** Rows of a tensor that lie next to each other in one part: from `tensorRow` of the tensor to `row` of the part. */
interface Piece {
  readonly part: number;
  readonly tensorRow: number;
  readonly row: number;
  readonly rows: number;
}

/** A tensor alone has a piece per part; one of a stack is a piece of the only part. */
function piecesOf({ tensors, parts }: PlannedMatrix, name: string): Piece[] {
  if (tensors.length === 1)
    return parts.map(({ firstRow, rows }, part) => ({ part, tensorRow: firstRow, row: 0, rows }));
  const at = tensors.findIndex((tensor) => tensor.name === name);
  const row = tensors.slice(0, at).reduce((sum, { rows }) => sum + rows, 0);
  return [{ part: 0, tensorRow: 0, row, rows: tensors[at]!.rows }];
}

/**
 * The same bytes in chunks of `size` (the last may be shorter), in one buffer that is used again and again. `words` is
 * the chunk rounded up to whole words, as uploads need it.
 */
async function* rechunked(
  source: AsyncIterable<Uint8Array<ArrayBuffer>>,
  size: number,
): AsyncIterable<{ readonly length: number; readonly words: Uint8Array<ArrayBuffer> }> {
  const buffer = new Uint8Array(4 * Math.ceil(size / 4));
  let length = 0;
  for await (const piece of source) {
    let at = 0;
    while (at < piece.length) {
      const take = Math.min(size - length, piece.length - at);
      buffer.set(piece.subarray(at, at + take), length);
      length += take;
      at += take;
      if (length === size) {
        yield { length, words: buffer };
        length = 0;
      }
    }
  }
  if (length > 0) yield { length, words: buffer.subarray(0, 4 * Math.ceil(length / 4)) };
}
