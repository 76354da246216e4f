// What is kept of a device between loads, whatever happens to the place where it is kept.

import { beforeEach, describe, expect, test } from "vitest";
import packageJson from "../../../package.json";
import {
  readVerdict,
  shaderName,
  updateVerdict,
  type VerdictKey,
  verdictKey,
} from "../../../src/backends/webgpu/verdicts";
import { setDeviceStore } from "../../../src/files/device_store";
import { VERSION } from "../../../src/version";
import { type MemoryStore, memoryStore } from "../../support/memory_store";

const key: VerdictKey = { adapter: "acme|one", runtime: "test 1", engine: "1.2.3" };
const selfTest = { passed: ["norm/subgroup 12"], refused: { "norm/workgroup 34": "error 1" } };

let store: MemoryStore;
beforeEach(() => {
  store = memoryStore();
  setDeviceStore(async () => store);
});

const written = () => [...store.pieces.entries()][0]!;

test("the version is the package's", () => {
  expect(VERSION).toBe(packageJson.version);
});

test("what is written is read again, and fields of different owners do not touch each other", async () => {
  expect(await readVerdict(key)).toEqual({});
  await updateVerdict(key, () => ({ selfTest }));
  await updateVerdict(key, () => ({ tuning: { split: 64 } }));
  expect(await readVerdict(key)).toEqual({ selfTest, tuning: { split: 64 } });
});

test("changes at the same time are all kept", async () => {
  const add = (name: string) =>
    updateVerdict(key, ({ selfTest }) => ({
      selfTest: { passed: [...(selfTest?.passed ?? []), name], refused: {} },
    }));
  await Promise.all(["a", "b", "c"].map(add));
  expect((await readVerdict(key)).selfTest?.passed).toEqual(["a", "b", "c"]);
});

test.each(["adapter", "runtime", "engine"] as const)("another %s has a record of its own", async (field) => {
  await updateVerdict(key, () => ({ selfTest }));
  expect(await readVerdict({ ...key, [field]: "another" })).toEqual({});
});

test("another text of a shader has another name", () => {
  expect(shaderName("norm", "subgroup", "a")).not.toBe(shaderName("norm", "subgroup", "b"));
  expect(shaderName("norm", "subgroup", "a")).toBe(shaderName("norm", "subgroup", "a"));
});

test("the key of a device follows its features and limits", () => {
  const info = { vendor: "acme", architecture: "one", device: "", description: "driver 7" } as GPUAdapterInfo;
  const limits = { maxComputeInvocationsPerWorkgroup: 256 } as GPUSupportedLimits;
  const all = verdictKey(info, ["subgroups", "shader-f16"], limits);
  expect(all).toEqual(verdictKey(info, ["shader-f16", "subgroups"], limits));
  expect(all).not.toEqual(verdictKey(info, ["subgroups"], limits));
  expect(all).not.toEqual(verdictKey({ ...info, description: "driver 8" }, ["subgroups", "shader-f16"], limits));
});

describe("a load goes on", () => {
  const damages: Record<string, (text: string) => string> = {
    "that is cut short": (text) => text.slice(0, -9),
    "of another device": (text) => text.replace("acme", "ajax"),
    "with another shape": () => JSON.stringify({ key, selfTest: { passed: [3], refused: {} }, tuning: [] }),
    "that is far too long": (text) => text.padEnd(2 << 20),
  };
  test.each(Object.entries(damages))("with a record %s: it counts as absent", async (_, damage) => {
    await updateVerdict(key, () => ({ selfTest }));
    const [name, bytes] = written();
    store.pieces.set(name, new TextEncoder().encode(damage(new TextDecoder().decode(bytes))));
    expect(await readVerdict(key)).toEqual({});
    await updateVerdict(key, () => ({ selfTest }));
    expect(await readVerdict(key)).toEqual({ selfTest });
  });

  test("when nothing can be kept, when the store cannot be opened, and when it is full", async () => {
    setDeviceStore(async () => undefined);
    await updateVerdict(key, () => ({ selfTest }));
    expect(await readVerdict(key)).toEqual({});
    setDeviceStore(() => Promise.reject(new Error("test: no permission")));
    await updateVerdict(key, () => ({ selfTest }));
    expect(await readVerdict(key)).toEqual({});
    store.quota = 10;
    setDeviceStore(async () => store);
    await updateVerdict(key, () => ({ selfTest }));
    expect(await readVerdict(key)).toEqual({});
  });
});
