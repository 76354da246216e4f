// A GPU that is taken away in mid-reply, on real backends: the tokens are those of a reply that was not interrupted.

import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FennecEngine } from "../../src/api/surface";
import type { BackendChange, GenerateOptions } from "../../src/engine/engine";
import { setDeviceStore } from "../../src/files/device_store";
import { type LoadOptions, load } from "../../src/load";
import type { ModelSource } from "../../src/open_model";
import { fileServer } from "../support/file_server";
import { readFixture, readFixtureText } from "../support/files";
import { testGpu } from "../support/gpu";
import { type LosableGpu, losableGpu } from "../support/losable_gpu";
import { memoryStore } from "../support/memory_store";

// gemma3 has layers with a window beside global ones: two cache groups.
const MODEL = "nano/gemma3-nano-F16";

let bytes: Uint8Array<ArrayBuffer>;
let prompt: readonly number[];
let greedy: readonly number[];
beforeAll(async () => {
  bytes = await readFixture(`${MODEL}.gguf`);
  const store = memoryStore(); // the self-test runs once, as on a user's device
  setDeviceStore(async () => store);
  ({ prompt, greedy } = JSON.parse(await readFixtureText(`${MODEL}.json`)));
});

let engine: FennecEngine | undefined;
afterEach(() => engine?.dispose());

interface Opened {
  readonly engine: FennecEngine;
  readonly losable: LosableGpu;
  readonly changes: BackendChange[];
}

async function open({ source = bytes, ...options }: LoadOptions & { source?: ModelSource } = {}): Promise<Opened> {
  const losable = losableGpu(await testGpu());
  const changes: BackendChange[] = [];
  engine = await load(source, {
    gpu: losable.gpu,
    precision: "exact",
    context: 256,
    onBackendChange: (change) => changes.push(change),
    ...options,
  });
  return { engine, losable, changes };
}

/** Runs a reply and does `act` as the token of this number is read. */
async function reply({ engine }: Opened, options: GenerateOptions, at?: number, act?: () => void) {
  const tokens: number[] = [];
  for await (const { token } of engine.generate(prompt, { ignoreStopTokens: true, ...options })) {
    tokens.push(token);
    if (tokens.length === at) act?.();
  }
  return tokens;
}

const greedily = () => ({ temperature: 0, maxTokens: greedy.length });
const sampled = { temperature: 1, topP: 0.95, frequencyPenalty: 0.5, presencePenalty: 0.3, seed: 5, maxTokens: 24 };

describe("webgpu again", () => {
  test("greedy tokens are the fixture's, and the change is told", async () => {
    const opened = await open();
    expect(await reply(opened, greedily(), 3, opened.losable.lose)).toEqual(greedy);
    expect(opened.losable.devices).toHaveLength(2);
    expect(opened.changes.map(({ state, backend }) => [state, backend.kind])).toEqual([
      ["lost", "webgpu"],
      ["replaced", "webgpu"],
    ]);
    expect(opened.changes[0]!.reason).toContain("lost");
    expect(opened.engine.backend.reason).toBeUndefined();
  });

  test("a seed with penalties gives the tokens of a reply that was not interrupted", async () => {
    const whole = await reply(await open(), sampled);
    engine?.dispose();
    const opened = await open();
    expect(await reply(opened, sampled, 9, opened.losable.lose)).toEqual(whole);
    expect(opened.losable.devices).toHaveLength(2);
  });

  test("two replies at once, and a loss while a third prompt is computed", async () => {
    const opened = await open();
    const { engine, losable } = opened;
    const prompts = [prompt, prompt.slice(20), [...prompt.slice(7), ...prompt]];
    const alone = [];
    for (const each of prompts) alone.push((await engine.generate(each, greedily()).result).tokens);
    const [first, second] = prompts.slice(0, 2).map((each) => engine.generate(each, greedily()));
    let third: ReturnType<FennecEngine["generate"]> | undefined;
    for await (const _ of first!) {
      if (third) continue;
      third = engine.generate(prompts[2]!, greedily());
      await Promise.resolve();
      losable.lose();
    }
    const together = await Promise.all([first!, second!, third!].map(({ result }) => result));
    expect(together.map(({ tokens }) => tokens)).toEqual(alone);
    expect(losable.devices).toHaveLength(2);
  });

  test("logits asked for as the device goes are the same", async () => {
    const { engine, losable } = await open();
    const before = await engine.logits(prompt, { chunk: 1 });
    const again = engine.logits(prompt, { chunk: 1 });
    await new Promise((resolve) => setTimeout(resolve));
    losable.lose();
    expect(await again).toEqual(before);
    expect(losable.devices).toHaveLength(2);
  });
});

test("a download that is kept is read from there: nothing is downloaded again", async () => {
  const server = await fileServer(bytes, "/model.gguf");
  try {
    const opened = await open({ source: server.url, cache: memoryStore() });
    const before = server.log.length;
    expect(before).toBeGreaterThan(0);
    expect(await reply(opened, greedily(), 3, opened.losable.lose)).toEqual(greedy);
    expect(opened.losable.devices).toHaveLength(2);
    expect(server.log.length).toBe(before);
  } finally {
    engine?.dispose();
    await server.close();
  }
});

describe("the processor", () => {
  test("goes on when no adapter is left, and says why", async () => {
    const opened = await open();
    const { losable, engine, changes } = opened;
    function act() {
      losable.remove();
      losable.lose();
    }
    expect(await reply(opened, greedily(), 3, act)).toEqual(greedy);
    expect(engine.backend).toMatchObject({ kind: "onnx", reason: expect.stringMatching(/lost.*no adapter/) });
    expect(changes.at(-1)).toMatchObject({ state: "replaced", backend: { kind: "onnx" } });
    expect(await reply(opened, greedily())).toEqual(greedy); // the next request too
  });

  test("goes on when the device is lost twice in a minute", async () => {
    const opened = await open();
    const whole = await reply(opened, sampled);
    const { losable } = opened;
    const tokens = [];
    for await (const { token } of opened.engine.generate(prompt, { ...sampled, ignoreStopTokens: true })) {
      tokens.push(token);
      if (tokens.length === 5 || tokens.length === 12) losable.lose();
    }
    expect(tokens).toEqual(whole);
    expect(losable.devices).toHaveLength(2);
    expect(opened.engine.backend).toMatchObject({ kind: "onnx", reason: expect.stringContaining("second time") });
  });
});

test("where WebGPU was asked for by name and is gone, replies end with device-lost", async () => {
  const opened = await open({ backend: "webgpu" });
  const { losable, engine, changes } = opened;
  function act() {
    losable.remove();
    losable.lose();
  }
  await expect(reply(opened, greedily(), 3, act)).rejects.toMatchObject({ code: "device-lost" });
  await expect(engine.generate(prompt, greedily()).result).rejects.toMatchObject({ code: "device-lost" });
  expect((await engine.lost).message).toMatch(/Load the model again\.$/);
  expect(changes.map(({ state }) => state)).toEqual(["lost", "failed"]);
});
