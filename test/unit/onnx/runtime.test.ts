// The direct runtime calls functions of ONNX Runtime's wasm module that no documentation promises. Here is what it counts
// on: a new version of the package that breaks any of it fails here first. The public interface is the oracle.

import { afterEach, describe, expect, test } from "vitest";
import { loadOrtModule } from "../../../src/backends/onnx/direct_module";
import { createOnnxBackend } from "../../../src/backends/onnx/index";
import { loadRuntime, type RuntimeOptions } from "../../../src/backends/onnx/load_runtime";
import { float, ModelBuilder } from "../../../src/backends/onnx/model_builder";
import type { HeldTensor, Runtime } from "../../../src/backends/onnx/runtime";
import { greedyOf, logitsOf, openParityFixture } from "../../support/parity";

const opened: Runtime[] = [];
async function open(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = await loadRuntime(options);
  opened.push(runtime);
  return runtime;
}
afterEach(() => {
  for (const runtime of opened.splice(0)) runtime.release();
});

/** Attention of one head of 8 over a cache of 4 rows. */
function attentionModel(): Uint8Array {
  const model = new ModelBuilder();
  const heads = (name: string) => model.input(name, "float32", [1, "tokens", 8]);
  const cache = (name: string) => model.input(name, "float32", [1, 1, "capacity", 8]);
  const inputs = [
    ...["q", "k", "v"].map(heads),
    ...["past_key", "past_value"].map(cache),
    model.input("last", "int32", [1]),
    model.input("keys", "int32", []),
  ];
  const outputs = ["y", "present_key", "present_value"];
  model.node("GroupQueryAttention", inputs, {
    domain: "com.microsoft",
    attributes: { num_heads: 1, kv_num_heads: 1, scale: float(0.5) },
    outputs,
  });
  model.output("y", "float32", [1, "tokens", 8]);
  for (const name of outputs.slice(1)) model.output(name, "float32", [1, 1, "capacity", 8]);
  return model.finish();
}

const row = (from: number) => Float32Array.from({ length: 8 }, (_, i) => (from + i) / 8);
const host = (data: Float32Array) => ({ type: "float32", data, dims: [1, 1, 8] }) as const;
const int32 = (value: number, dims: readonly number[]) =>
  ({ type: "int32", data: Int32Array.of(value), dims }) as const;

async function attend(runtime: Runtime, position: number, key: HeldTensor, value: HeldTensor) {
  const session = await runtime.createSession(attentionModel(), []);
  const feeds = { q: host(row(1)), k: host(row(2)), v: host(row(3)), past_key: key, past_value: value };
  const more = { last: int32(position, [1]), keys: int32(position + 1, []) };
  const inPlace = { present_key: key, present_value: value };
  const outputs = await session.run({ ...feeds, ...more }, runtime.inPlace ? inPlace : {});
  const result = outputs.get("y")!.view.slice();
  for (const output of outputs.values()) output.release();
  await session.release();
  return { result, names: [...outputs.keys()] };
}

test("in Node the runtime is the direct one", async () => {
  expect(await open()).toMatchObject({ inPlace: true, version: "1.30.0" });
  expect(await open({ interface: "public" })).toMatchObject({ inPlace: false, version: "1.30.0" });
});

test("a run writes the new row into the memory that holds the past, and nowhere else", async () => {
  const runtime = await open();
  const tensors = [runtime.createTensor([1, 1, 4, 8]), runtime.createTensor([1, 1, 4, 8])] as const;
  const [key, value] = tensors;
  expect(key.view).toEqual(new Float32Array(32));
  key.view.set(row(5));
  value.view.set(row(6));
  const { result, names } = await attend(runtime, 1, key, value);
  expect(names).toEqual(["y"]);
  expect(key.view).toEqual(Float32Array.from([...row(5), ...row(2), ...new Float32Array(16)]));
  expect(value.view).toEqual(Float32Array.from([...row(6), ...row(3), ...new Float32Array(16)]));

  const other = await open({ interface: "public" });
  const [oldKey, oldValue] = [other.createTensor([1, 1, 4, 8]), other.createTensor([1, 1, 4, 8])];
  oldKey.view.set(row(5));
  oldValue.view.set(row(6));
  const wanted = await attend(other, 1, oldKey, oldValue);
  expect(wanted.names).toEqual(["y", "present_key", "present_value"]);
  expect(result).toEqual(wanted.result);
  for (const tensor of tensors) tensor.release();
});

test("views are of the memory as it is after it has grown", async () => {
  const runtime = await open();
  const small = runtime.createTensor([4]);
  small.view.set([1, 2, 3, 4]);
  const before = runtime.heapBytes;
  const large = runtime.createTensor([before / 4]); // as large as the whole heap
  expect(runtime.heapBytes).toBeGreaterThan(before);
  expect(small.view).toEqual(Float32Array.of(1, 2, 3, 4));
  large.view[0] = 7;
  expect(large.view[0]).toBe(7);
  large.release();
  small.release();
});

test("more memory than wasm has is out-of-memory, and the runtime goes on", async () => {
  const runtime = await open();
  expect(() => runtime.createTensor([2 ** 30 + 2 ** 20])).toThrow(expect.objectContaining({ code: "out-of-memory" }));
  const tensor = runtime.createTensor([2]);
  expect(tensor.view).toEqual(new Float32Array(2));
  tensor.release();
});

test("a model that the runtime refuses is told with the runtime's words", async () => {
  const runtime = await open();
  const model = new ModelBuilder();
  model.output(model.node("NoSuchOperation", [model.input("x", "float32", [1])]), "float32", [1]);
  await expect(runtime.createSession(model.finish(), [])).rejects.toMatchObject({
    code: "backend-unsupported",
    message: expect.stringContaining("NoSuchOperation"),
  });
});

test("each module has a heap of its own", async () => {
  const [a, b] = [await loadOrtModule(1), await loadOrtModule(1)];
  const pointer = a._malloc(16);
  a.HEAPU8.fill(7, pointer, pointer + 16);
  const other = b._malloc(16);
  b.HEAPU8.fill(1, other, other + 16);
  expect(a.HEAPU8[pointer]).toBe(7);
});

describe("direct and public give the same bits", () => {
  test.each(["nano/llama-nano-F32", "nano/gemma3-nano-F16"])("%s", async (path) => {
    const { graph, file, config, tokens } = await openParityFixture(path);
    const input = {
      graph,
      file,
      vocab: config.vocab,
      options: { precision: "exact", kv: "f32", kvTokens: 128, context: 128, slots: 1 },
    } as const;
    const found = [];
    for (const options of [{}, { interface: "public" }] as const) {
      const backend = await createOnnxBackend(input, options);
      expect(backend.adapter.includes("copied")).toBe("interface" in options);
      found.push([await logitsOf(backend, tokens, 7), await greedyOf(backend, tokens.slice(0, 9), 30)]);
      backend.dispose();
    }
    expect(found[0]).toEqual(found[1]);
  });
});
