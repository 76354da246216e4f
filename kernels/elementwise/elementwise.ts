// Element-by-element kernels: sums, products, activations, gated activations, scaling, soft capping.

import type { UnaryKind } from "../../src/graph/graph";
import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import tanh from "../common/tanh.wgsl?raw";
import { defineKernel, foldedGrid } from "../kernel";
import geluErf from "./activations/gelu_erf.wgsl?raw";
import geluTanh from "./activations/gelu_tanh.wgsl?raw";
import relu from "./activations/relu.wgsl?raw";
import sigmoid from "./activations/sigmoid.wgsl?raw";
import silu from "./activations/silu.wgsl?raw";
import one from "./one.wgsl?raw";
import addition from "./ops/add.wgsl?raw";
import gating from "./ops/gated.wgsl?raw";
import product from "./ops/mul.wgsl?raw";
import scaling from "./ops/scale.wgsl?raw";
import capping from "./ops/softcap.wgsl?raw";
import applying from "./ops/unary.wgsl?raw";
import two from "./two.wgsl?raw";

/** WGSL of `fn activation(x: vec4f) -> vec4f`. */
export const ACTIVATIONS: Readonly<Record<UnaryKind, string>> = {
  silu,
  gelu_tanh: geluTanh,
  gelu_erf: geluErf,
  relu,
  sigmoid,
};

const WORKGROUP = 64;

const params = { width: "u32", factor: "f32", on_outputs: "u32" } as const;

/** `y = a + b`. All of these take and give `[rows, width]`, width a multiple of 4; y is its own buffer. */
export const add = ofTwo("add", addition);
/** `y = a · b`. */
export const mul = ofTwo("mul", product);
/** `y = a · factor`. */
export const scale = ofOne("scale", scaling);
/** `y = factor · tanh(a / factor)`. */
export const softcap = ofOne("softcap", capping, tanh);

/** `y = activation(a)`. */
export function unary(kind: UnaryKind) {
  return ofOne(kind, applying, ACTIVATIONS[kind]);
}

/** `y = activation(a) · b`. */
export function gated(kind: UnaryKind) {
  return ofTwo(`gated_${kind}`, gating, ACTIVATIONS[kind]);
}

function ofOne(name: string, ...files: readonly string[]) {
  return defineKernel({
    name,
    bindings: { params: "uniform", batch: "uniform", a: "read", y: "read_write" },
    params,
    variants: [onlyVariant(one, files)],
  });
}

function ofTwo(name: string, ...files: readonly string[]) {
  return defineKernel({
    name,
    bindings: { params: "uniform", batch: "uniform", a: "read", b: "read", y: "read_write" },
    params,
    variants: [onlyVariant(two, files)],
  });
}

function onlyVariant(main: string, files: readonly string[]) {
  return {
    name: "invocation",
    suits: () => true,
    parts: [main, ...files, batch, grid].map((wgsl) => ({ wgsl })),
    constants: () => ({ WORKGROUP }),
    grid: ({ width }: { readonly width: number }, rows: number) =>
      foldedGrid(Math.ceil((rows * width) / 4 / WORKGROUP)),
  };
}
