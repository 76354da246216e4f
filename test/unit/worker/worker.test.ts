// The engine across a port: what a page gets from a worker, in one process, with MessageChannel between the two sides.

import { afterEach, describe, expect, test, vi } from "vitest";
import { withOpenAiSurface } from "../../../src/api/surface";
import { FennecError } from "../../../src/errors";
import type { load } from "../../../src/load";
import { connect, type RemoteEngine } from "../../../src/worker/client";
import { serve } from "../../../src/worker/host";
import { WINDOW } from "../../../src/worker/messages";
import { expectFennecError } from "../../support/expect_error";
import type { FakeBackend } from "../../support/fake_backend";
import { type FakeEngineOptions, fakeEngine } from "../../support/fake_engine";

const HELLO = { messages: [{ role: "user" as const, content: "Hello" }], temperature: 0 };
const open: MessagePort[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
  vi.unstubAllGlobals();
});

interface Setup {
  readonly engine: RemoteEngine;
  /** Of the model loaded last. */
  readonly backend: () => FakeBackend;
  /** What the worker sent, by type. */
  readonly sent: string[];
  readonly loads: { source: unknown; options: Parameters<typeof load>[1] }[];
  readonly worker: MessagePort;
}

function setUp(fake: FakeEngineOptions = { reply: "Hi 🙂" }, onLoad?: (signal: AbortSignal) => Promise<void>): Setup {
  const { port1: page, port2: worker } = new MessageChannel();
  open.push(page, worker);
  let backend: FakeBackend | undefined;
  const sent: string[] = [];
  const loads: Setup["loads"] = [];
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (message: { type: string }) => {
    sent.push(message.type);
    post(message);
  };
  serve(worker, {
    async load(source, options = {}) {
      loads.push({ source, options });
      options.onProgress?.({ phase: "weights", bytesLoaded: 1, bytesTotal: 2 });
      await onLoad?.(options.signal!);
      const page = Reflect.get(globalThis, "document");
      vi.stubGlobal("document", undefined); // a worker has none: here the page's is in the same process
      const made = fakeEngine({ ...fake, onBackendChange: options.onBackendChange });
      vi.stubGlobal("document", page);
      backend = made.backend;
      return withOpenAiSurface(made.engine);
    },
    probe: async () => ({ webgpu: false, reason: "a test" }),
  });
  return { engine: connect(page), backend: () => backend!, sent, loads, worker };
}

async function loaded(fake?: FakeEngineOptions): Promise<Setup> {
  const setup = setUp(fake);
  await setup.engine.load("model.gguf");
  return setup;
}

/** A promise and what resolves it. */
function latch(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}

const settle = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

describe("loading", () => {
  test("passes source and options, tells progress, and says what was loaded", async () => {
    const { engine, loads } = setUp();
    const progress: unknown[] = [];
    const bytes = new Uint8Array([1, 2, 3]);
    const info = await engine.load(bytes, { context: 99, onProgress: (step) => progress.push(step) });
    expect(progress).toEqual([{ phase: "weights", bytesLoaded: 1, bytesTotal: 2 }]);
    expect(loads[0]!.source).toEqual(bytes);
    expect(loads[0]!.options).toMatchObject({ context: 99 });
    expect(info.model).toEqual(engine.model);
    expect(engine.model).toMatchObject({ name: "fake", hasChatTemplate: true });
    expect(engine.context).toBe(256);
    expect(engine.backend).toMatchObject({ kind: "reference", precision: "exact", adapter: "fake" });
  });

  test("a Blob and a URL arrive as such", async () => {
    const { engine, loads } = setUp();
    await engine.load(new Blob(["abc"]));
    expect(await (loads[0]!.source as Blob).text()).toBe("abc");
    await engine.load(new URL("https://example.test/model.gguf"));
    expect(loads[1]!.source).toBe("https://example.test/model.gguf");
  });

  test("a second model takes the place of the first", async () => {
    const { engine, backend } = await loaded();
    const first = backend();
    await engine.load("other.gguf");
    expect([first.disposed, backend().disposed]).toEqual([true, false]);
    await engine.unload();
    expect(backend().disposed).toBe(true);
    await expectFennecError(() => engine.chat.completions.create(HELLO), "invalid-argument", "no model is loaded");
    expect(() => engine.model).toThrow("no model is loaded");
  });

  test("an abort rejects at once, and the next load waits for the first to be gone", async () => {
    let gone = false;
    const { engine, loads } = setUp({}, async (signal) => {
      if (loads.length > 1) return expect(gone).toBe(true);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => setTimeout(resolve, 10)));
      gone = true;
      throw new FennecError("aborted", "load: aborted");
    });
    const controller = new AbortController();
    const first = engine.load("a.gguf", { signal: controller.signal });
    await settle(5);
    controller.abort();
    await expectFennecError(() => first, "aborted");
    expect((await engine.load("b.gguf")).model.name).toBe("fake");
  });

  test("errors keep their code", async () => {
    const { engine } = setUp({}, () => Promise.reject(new FennecError("file-corrupt", "model.gguf: broken")));
    await expectFennecError(() => engine.load("model.gguf"), "file-corrupt", "model.gguf: broken");
  });

  test("what was not thrown on purpose is worker-failed, and says what it was", async () => {
    const { engine } = setUp({}, () => Promise.reject(new TypeError("x is not a function")));
    await expectFennecError(() => engine.load("model.gguf"), "worker-failed", "TypeError: x is not a function");
  });

  test("a source that cannot be posted is refused", async () => {
    const { engine } = setUp();
    const source = { read: () => 1 } as unknown as string;
    await expectFennecError(() => engine.load(source), "invalid-argument", "load: cannot be sent");
  });
});

describe("replies", () => {
  test("are those of the engine", async () => {
    const { engine } = await loaded();
    const { id: _, created: __, ...reply } = await engine.chat.completions.create(HELLO);
    const local = withOpenAiSurface(fakeEngine({ reply: "Hi 🙂" }).engine);
    const { id: ___, created: ____, ...expected } = await local.chat.completions.create(HELLO);
    const noTimes = { timings: expect.anything() };
    expect({ ...reply, ...noTimes }).toEqual({ ...expected, ...noTimes });
    const { choices } = await engine.completions.create({ prompt: "x", max_tokens: 2, temperature: 0 });
    expect(choices).toHaveLength(1);
    expect(await engine.countTokens("abc")).toBe(4);
    expect(await engine.probe()).toEqual({ webgpu: false, reason: "a test" });
  });

  test("stream chunk by chunk", async () => {
    const { engine } = await loaded();
    let text = "";
    const reasons: (string | null)[] = [];
    for await (const { choices } of await engine.chat.completions.create({ ...HELLO, stream: true })) {
      text += choices[0]!.delta.content ?? "";
      reasons.push(choices[0]!.finish_reason);
    }
    expect(text).toBe("Hi 🙂");
    expect(reasons).toEqual([null, null, null, null, null, "stop"]);
  });

  test("generate gives tokens and a result, read or not", async () => {
    const { engine } = await loaded({});
    const options = { temperature: 0, maxTokens: 2 * WINDOW };
    const generation = engine.generate([1, 2, 3], options);
    const tokens: number[] = [];
    for await (const { token } of generation) tokens.push(token);
    expect((await generation.result).tokens).toEqual(tokens);
    const unread = await engine.generate([1, 2, 3], options).result;
    expect(unread.tokens).toEqual(tokens);
  });

  test("validation errors arrive with their code", async () => {
    const { engine } = await loaded();
    const wrong = { ...HELLO, temperature: 9 };
    await expectFennecError(() => engine.chat.completions.create(wrong), "invalid-argument", "temperature: got 9");
    const streamed = { ...wrong, stream: true as const };
    await expectFennecError(() => engine.chat.completions.create(streamed), "invalid-argument", "temperature: got 9");
    await expectFennecError(async () => {
      for await (const _ of engine.generate([])) break;
    }, "invalid-argument");
  });
});

describe("leaving", () => {
  async function expectIdle(backend: FakeBackend) {
    await settle();
    const steps = backend.steps.length;
    await settle();
    expect(backend.steps.length).toBe(steps);
  }
  const endless = { reply: Array<number>(400).fill(70), limits: { context: 500 }, pages: [200] };
  const slow = { ...endless, delay: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) };

  test("an aborted signal ends a reply here and there", async () => {
    const { engine, backend } = await loaded(slow);
    const controller = new AbortController();
    const reply = engine.chat.completions.create(HELLO, { signal: controller.signal });
    await settle();
    controller.abort();
    await expectFennecError(() => reply, "aborted");
    await expectIdle(backend());
    expect(backend().steps.length).toBeLessThan(300);
    await expectFennecError(() => engine.chat.completions.create(HELLO, { signal: AbortSignal.abort() }), "aborted");
  });

  test("leaving a stream's loop, and its controller, end it there too", async () => {
    const { engine, backend } = await loaded(slow);
    for await (const _ of await engine.chat.completions.create({ ...HELLO, stream: true })) break;
    await expectIdle(backend());
    const stream = await engine.chat.completions.create({ ...HELLO, stream: true });
    await expectFennecError(async () => {
      for await (const _ of stream) stream.controller.abort();
    }, "aborted");
    await expectIdle(backend());
    expect(backend().steps.length).toBeLessThan(300);
  });

  test("dispose frees the model and ends what is pending with code disposed", async () => {
    const { engine, backend } = await loaded(slow);
    const reply = engine.chat.completions.create(HELLO);
    await settle(5);
    engine.dispose();
    engine.dispose();
    await expectFennecError(() => reply, "disposed");
    await expectFennecError(() => engine.probe(), "disposed");
    await settle();
    expect(backend().disposed).toBe(true);
  });

  test("a slow reader is not overrun: at most a window of items is on its way", async () => {
    const { engine, sent } = await loaded(endless);
    const items = () => sent.filter((type) => type === "item").length;
    const chunks = (await engine.chat.completions.create({ ...HELLO, stream: true }))[Symbol.asyncIterator]();
    await chunks.next();
    await vi.waitFor(() => expect(items()).toBe(WINDOW));
    await settle();
    expect(items()).toBe(WINDOW);
    for (let i = 0; i < WINDOW / 2; i++) await chunks.next();
    await vi.waitFor(() => expect(items()).toBe(WINDOW + WINDOW / 2));
    await settle();
    expect(items()).toBe(WINDOW + WINDOW / 2);
    let text = "";
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) text += chunk.choices[0]!.delta.content ?? "";
    // One chunk with the role and half a window of text were read before.
    expect(text).toHaveLength(400 - WINDOW / 2);
  });
});

describe("a lost device", () => {
  const script = Array.from({ length: 40 }, (_, i) => 70 + (i % 20));
  const fake = { reply: script, limits: { context: 300 }, pages: [200] };

  /** A worker whose engine gets another backend, which says that it is one, when the first is lost. */
  function replaceable() {
    const door = latch();
    const setup = setUp({
      ...fake,
      delay: () => settle(1).then(() => undefined),
      async replace() {
        await door.wait;
        const { backend } = fakeEngine(fake);
        return Object.assign(backend, { adapter: "another", reason: "a test" });
      },
    });
    return { ...setup, open: door.open };
  }

  test("is replaced there, told here, and the stream goes on", async () => {
    const { engine, backend, open } = replaceable();
    const changes: string[] = [];
    await engine.load("model.gguf", {
      onBackendChange: ({ state, backend }) => changes.push(`${state} ${backend.adapter}`),
    });
    const tokens: number[] = [];
    for await (const { token } of engine.generate([3], { temperature: 0, maxTokens: 30 })) {
      tokens.push(token);
      if (tokens.length !== 10) continue;
      backend().lose("unplugged");
      await vi.waitFor(() => expect(changes).toEqual(["lost fake"]));
      open();
    }
    expect(tokens).toEqual(script.slice(0, 30));
    expect(changes).toEqual(["lost fake", "replaced another"]);
    expect(engine.backend).toMatchObject({ adapter: "another", reason: "a test" });
    expect(engine.context).toBe(300);
  });

  test("of a model that another took the place of is nobody's business", async () => {
    const { engine, backend } = replaceable();
    const changes: unknown[] = [];
    await engine.load("model.gguf", { onBackendChange: (change) => changes.push(change) });
    const first = backend();
    await engine.load("other.gguf", { onBackendChange: (change) => changes.push(change) });
    first.lose("unplugged");
    await settle();
    expect(changes).toEqual([]);
    expect(engine.backend.adapter).toBe("fake");
  });
});

describe("a hidden page", () => {
  /** The page's document, as far as it is asked; `show` and `hide` tell like a browser. */
  function stubDocument() {
    const document = Object.assign(new EventTarget(), { visibilityState: "visible", baseURI: "https://page.test/" });
    vi.stubGlobal("document", document);
    return (visibilityState: "visible" | "hidden") => {
      Object.assign(document, { visibilityState });
      document.dispatchEvent(new Event("visibilitychange"));
    };
  }

  test("gets its replies, whose timings say that it was hidden", async () => {
    const turn = stubDocument();
    const { engine } = await loaded({ reply: "Hi", delay: () => settle(1).then(() => undefined) });
    const throttled = async () => (await engine.chat.completions.create(HELLO)).timings.throttled;
    expect(await throttled()).toBe(false);
    const reply = engine.chat.completions.create(HELLO);
    turn("hidden");
    turn("visible");
    expect((await reply).choices[0]!.message.content).toBe("Hi");
    expect((await reply).timings.throttled).toBe(true);
    expect(await throttled()).toBe(false);
    turn("hidden");
    expect(await throttled()).toBe(true);
  });

  test("that is hidden when the model loads is known to be", async () => {
    const turn = stubDocument();
    turn("hidden");
    const { engine } = await loaded({ reply: "Hi" });
    expect((await engine.chat.completions.create(HELLO)).timings.throttled).toBe(true);
  });
});

describe("a worker that dies", () => {
  test("its closed port rejects what is pending with worker-failed", async () => {
    const { engine, worker } = await loaded({ delay: () => new Promise(() => undefined) });
    const reply = engine.chat.completions.create(HELLO);
    const stream = engine.generate([1, 2]);
    await settle(5);
    worker.close();
    await expectFennecError(() => reply, "worker-failed", "Start another one");
    await expectFennecError(() => stream.result, "worker-failed");
    await expectFennecError(async () => {
      for await (const _ of stream) break;
    }, "worker-failed");
    await expectFennecError(() => engine.probe(), "worker-failed");
    expect(await engine.lost).toMatchObject({ code: "worker-failed" });
  });

  test("a lock that comes free tells of its end where nothing else does", async () => {
    const held = new Map<string, () => void>();
    // The worker asks first and keeps the lock; the page's request is granted when the worker ends.
    const request = (name: string, granted: () => unknown) => {
      if (held.has(name)) return new Promise<void>((resolve) => held.set(name, () => resolve(void granted())));
      held.set(name, () => undefined);
      return Promise.resolve(granted());
    };
    vi.stubGlobal("navigator", { locks: { request } });
    const { engine } = setUp({}, () => new Promise(() => undefined));
    const loading = engine.load("model.gguf");
    await settle(5);
    for (const release of held.values()) release();
    await expectFennecError(() => loading, "worker-failed", "it was ended");
  });

  test("a script that fails to load is told apart from silence", async () => {
    class Broken extends EventTarget {
      postMessage() {
        const event = Object.assign(new Event("error"), { message: "404 engine_worker.js" });
        queueMicrotask(() => this.dispatchEvent(event));
      }
    }
    await expectFennecError(() => connect(new Broken()).load("x"), "worker-failed", "404 engine_worker.js");
  });

  test("its end after dispose is no loss", async () => {
    const { engine, worker } = await loaded();
    let lost = false;
    void engine.lost.then(() => (lost = true));
    engine.dispose();
    worker.close();
    await settle();
    expect(lost).toBe(false);
  });

  test("a lost device is told without a request", async () => {
    const { engine, backend } = await loaded();
    backend().lose("unplugged");
    expect(await engine.lost).toMatchObject({ code: "device-lost", message: "unplugged" });
    await expectFennecError(() => engine.chat.completions.create(HELLO), "device-lost");
  });
});

test("a real worker of Node answers, and its end is noticed", async () => {
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     parentPort.postMessage({ type: "hello" });
     parentPort.on("message", ({ id, call }) => {
       if (call.method === "probe") {
         parentPort.postMessage({ type: "value", id, value: { webgpu: false } });
         parentPort.postMessage({ type: "end", id });
       } else process.exit(3);
     });`,
    { eval: true },
  );
  const engine = connect(worker);
  expect(await engine.probe()).toEqual({ webgpu: false });
  await expectFennecError(() => engine.load("x"), "worker-failed", "ended with code 3");
});
