// Finds a model's weights in a file: follows tied fallbacks, leaves out absent optional ones, and checks every shape
// and type before a byte of weights is read.

import type { Loaded, WeightSpec, WeightTree } from "../../models/model";
import { FennecError } from "../errors";
import type { TensorInfo, WeightsFile } from "../files/weights_file";
import type { WeightRef } from "../graph/graph";

/** A weight that the graph uses and where its bytes are. */
export interface ResolvedWeight {
  readonly ref: WeightRef;
  readonly tensor: TensorInfo;
}

export interface ResolvedWeights<T> {
  /** The same tree with references to tensors that exist: a tied weight has the name of the one it is tied to. */
  readonly tree: Loaded<T>;
  /** Each tensor once, in the order of the table. */
  readonly list: readonly ResolvedWeight[];
}

/**
 * @param supported Weight types that can be read, by ggml's name.
 * @throws FennecError `tensor-missing`, `tensor-shape`, `file-unsupported` (a type outside `supported`, or tensors that
 *   the architecture would silently ignore).
 */
export function resolveWeights<const T extends WeightTree>(
  file: WeightsFile,
  architecture: string,
  table: T,
  supported: ReadonlyMap<string, unknown>,
): ResolvedWeights<T> {
  const found = new Map<string, ResolvedWeight>();

  function resolve(spec: WeightSpec): WeightRef | undefined {
    const tensor = file.tensors.get(spec.name);
    if (!tensor) {
      if (spec.fallback) return resolve(spec.fallback);
      if (spec.optional) return undefined;
      throw missing(file, architecture, spec);
    }
    if (!sameShape(tensor.shape, spec.shape)) throw wrongShape(file, architecture, tensor, spec.shape);
    if (!supported.has(tensor.type)) throw unknownType(file, tensor, supported);
    const ref: WeightRef = { name: spec.name, shape: spec.shape };
    found.set(spec.name, { ref, tensor });
    return ref;
  }

  function walk(tree: WeightTree): unknown {
    if (tree === undefined) return undefined;
    if (isSpec(tree)) return resolve(tree);
    if (Array.isArray(tree)) return tree.map(walk);
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, walk(value)]));
  }

  const tree = walk(table) as Loaded<T>;
  refuseUnused(file, architecture, found);
  return { tree, list: [...found.values()] };
}

/** Rotary tables in old files, computed here; nothing is lost by leaving them out. */
const IGNORED = /^blk\.\d+\.attn_rot_embd\.weight$/;

function refuseUnused(file: WeightsFile, architecture: string, found: ReadonlyMap<string, unknown>): void {
  const unused = [...file.tensors.keys()].filter((name) => !found.has(name) && !IGNORED.test(name));
  if (unused.length === 0) return;
  const shown = unused.slice(0, 3).map((name) => `"${name}"`);
  throw new FennecError(
    "file-unsupported",
    `${file.name}: ${unused.length} tensors are not part of architecture "${architecture}" as this version knows it ` +
      `(${shown.join(", ")}${unused.length > 3 ? ", ..." : ""}). Its answers would be wrong without them; ` +
      "try a plain text model of this family, or a newer version.",
  );
}

function isSpec(tree: object): tree is WeightSpec {
  return "name" in tree && typeof tree.name === "string" && "shape" in tree;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function missing(file: WeightsFile, architecture: string, spec: WeightSpec): FennecError {
  return new FennecError(
    "tensor-missing",
    `${file.name}: tensor "${spec.name}" is missing; architecture "${architecture}" needs it with shape ` +
      `[${spec.shape.join(", ")}]. The file may be a part of a split model, an adapter, or vocabulary only.`,
  );
}

function wrongShape(file: WeightsFile, arch: string, tensor: TensorInfo, want: readonly number[]): FennecError {
  return new FennecError(
    "tensor-shape",
    `${file.name}: tensor "${tensor.name}" is [${tensor.shape.join(", ")}]; architecture "${arch}" expects ` +
      `[${want.join(", ")}]. The file was probably converted for a different model size or architecture.`,
  );
}

function unknownType(file: WeightsFile, tensor: TensorInfo, supported: ReadonlyMap<string, unknown>): FennecError {
  return new FennecError(
    "file-unsupported",
    `${file.name}: tensor "${tensor.name}" has weight type ${tensor.type}; this version reads ` +
      `${[...supported.keys()].join(", ")}. Try the same model in one of these types.`,
  );
}
