// The linker does four things; each has its tests, and its two refusals.

import { expect, test } from "vitest";
import { link } from "../../kernels/linker";

const bindings = { params: "uniform", x: "read", y: "read_write" } as const;

test("directives are hoisted and merged, in front of everything", () => {
  const a = { wgsl: "enable f16;\nfn a() {}" };
  const b = { wgsl: "// first line\nenable f16;\ndiagnostic(off, subgroup_uniformity);\nfn b() {}" };
  const shader = link("k", [a, b], bindings, { N: 1 }, ["subgroups", "f16"]);
  expect(shader.split("\n").slice(0, 4)).toEqual([
    "enable subgroups;",
    "enable f16;",
    "diagnostic(off, subgroup_uniformity);",
    "const N = 1u;",
  ]);
  expect(shader.match(/enable f16;/g)).toHaveLength(1);
});

test("constants: integers are u32, the rest f32", () => {
  const shader = link("k", [], bindings, { LANES: 32, EPS: 1e-7, HALF: 0.5 });
  expect(shader).toBe("const LANES = 32u;\nconst EPS = f32(1e-7);\nconst HALF = f32(0.5);");
});

test("bindings get their numbers from the definition's order", () => {
  const wgsl = [
    "@group(0) @binding(0) var<storage, read_write> y: array<f32>;",
    "@group(0) @binding(0) var<storage, read> x: array<f32>;",
    "@group(0) @binding(0)\nvar<uniform> params: Params;",
  ].join("\n");
  const shader = link("k", [{ wgsl }], bindings);
  expect(shader).toContain("@binding(2) var<storage, read_write> y");
  expect(shader).toContain("@binding(1) var<storage, read> x");
  expect(shader).toContain("@binding(0) var<uniform> params");
});

test("a binding that the definition does not have is a bug and is named", () => {
  const wgsl = "@group(0) @binding(0) var<storage, read> z: array<f32>;";
  expect(() => link("matvec", [{ wgsl }], bindings)).toThrow("kernel matvec: the shader binds z");
});

test("a binding of another access is a bug and is named", () => {
  const wgsl = "@group(0) @binding(0) var<storage> y: array<f32>;";
  expect(() => link("matvec", [{ wgsl }], bindings)).toThrow("y is read in the shader, read_write in its definition");
});

test("a binding that no part declares is allowed: variants share a layout", () => {
  expect(() => link("k", [{ wgsl: "fn main() {}" }], bindings)).not.toThrow();
});

const format = `
// scale of weights
struct Block { unit: f32 }
const SIZE = 4u;
@group(0) @binding(0) var<storage, read> w: array<vec4u>;
fn scale(at: u32) -> f32 { let inner = Block(1.0); return inner.unit * f32(w[at].w) * f32(SIZE); }
fn weights(at: u32) -> f32 { return scale(at) + rescale(at); }
`;

test("a prefix renames what a part declares at module scope, and nothing else", () => {
  const shader = link("k", [{ wgsl: format, prefix: "q_" }], { q_w: "read" });
  expect(shader).toContain("struct q_Block { unit: f32 }");
  expect(shader).toContain("@binding(0) var<storage, read> q_w: array<vec4u>;");
  expect(shader).toContain("let inner = q_Block(1.0); return inner.unit * f32(q_w[at].w) * f32(q_SIZE);");
  expect(shader).toContain("fn q_weights(at: u32) -> f32 { return q_scale(at) + rescale(at); }");
});

test("one kernel holds two formats", () => {
  const parts = [
    { wgsl: format, prefix: "q_" },
    { wgsl: format, prefix: "v_" },
  ];
  const shader = link("k", parts, { q_w: "read", v_w: "read" });
  expect(shader).toContain("fn q_weights");
  expect(shader).toContain("@binding(1) var<storage, read> v_w");
});

test("a part that two others bring along is joined once", () => {
  const shared = { wgsl: "fn shared() {}" };
  expect(link("k", [shared, { wgsl: "fn main() {}" }, shared], bindings)).toBe("fn shared() {}\nfn main() {}");
});
