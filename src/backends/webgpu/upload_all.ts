// Everything that a plan reads and a file has, or that is computed from it, goes to the GPU: matrices streamed, then the
// small vectors, RoPE's tables and the sampler's.

import { formatOf } from "../../../kernels/quant/index";
import { ropeTables } from "../../../kernels/rope/rope";
import { exp2Table } from "../../../kernels/sample/slot";
import { FennecError } from "../../errors";
import type { TensorInfo, WeightsFile } from "../../files/weights_file";
import type { WeightRef } from "../../graph/graph";
import type { Plan } from "../../plan/plan";
import type { BackendInput } from "../backend";
import type { Gpu } from "./device";
import type { GpuMemory } from "./memory";
import type { Pipelines } from "./pipelines";
import { Uploader } from "./upload";

/** @returns The buffers of each matrix, by its name; the small vectors and the tables are in those of `fixed`. */
export async function uploadAll(
  { file, options: { signal, onProgress } }: BackendInput,
  plan: Plan,
  { device }: Gpu,
  memory: GpuMemory,
  pipelines: Pipelines,
  fixed: { readonly vectors: GPUBuffer; readonly rope: GPUBuffer; readonly exp2: GPUBuffer },
  context: number,
): Promise<ReadonlyMap<string, readonly GPUBuffer[]>> {
  const uploads = plan.matrices.flatMap((matrix) =>
    matrix.tensors.map(({ name }) => ({ matrix, tensor: file.tensors.get(name)! })),
  );
  const bytesTotal = uploads.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  let bytesLoaded = 0;
  const uploader = new Uploader(device, memory, pipelines, uploads.length);
  // In the order of the file, so that a download is read once from front to back.
  uploads.sort((a, b) => a.tensor.offset - b.tensor.offset);
  for (const { matrix, tensor } of uploads) {
    await uploader.upload(matrix, tensor, signal, (bytes) => {
      bytesLoaded += bytes;
      onProgress?.({ phase: "weights", bytesLoaded, bytesTotal });
    });
  }
  await uploader.finish();

  const vectors = new Float32Array(plan.vectorElements);
  for (const { ref, at } of plan.vectors) vectors.set(await readVector(file, ref, signal), at);
  const rope = new Float32Array(plan.ropeElements);
  for (const { rope: spec, at } of plan.ropes) {
    const factors = spec.factors && (await readVector(file, spec.factors, signal));
    const frequencies = spec.frequencies.map((frequency, i) => frequency / (factors?.[i] ?? 1));
    rope.set(ropeTables(frequencies, context), at);
  }
  device.queue.writeBuffer(fixed.vectors, 0, vectors);
  device.queue.writeBuffer(fixed.rope, 0, rope);
  device.queue.writeBuffer(fixed.exp2, 0, exp2Table());
  return uploader.buffers;
}

/** A small vector, whole, as f32. @throws FennecError `tensor-not-finite`. */
async function readVector(file: WeightsFile, ref: WeightRef, signal?: AbortSignal): Promise<Float32Array> {
  const tensor = tensorOf(file, ref);
  const bytes = await tensor.source.read(tensor.offset, tensor.bytes, signal);
  const values = formatOf(tensor.type).dequantize(bytes);
  if (!values.every(Number.isFinite))
    throw new FennecError(
      "tensor-not-finite",
      `tensor "${ref.name}" has NaN or infinite values: the file is damaged. Download it again.`,
    );
  return values;
}

/** @throws FennecError `tensor-missing`. */
export function tensorOf(file: WeightsFile, ref: WeightRef): TensorInfo {
  const tensor = file.tensors.get(ref.name);
  if (!tensor) throw new FennecError("tensor-missing", `${file.name}: tensor "${ref.name}" is missing`);
  return tensor;
}
