// The benchmark page's parts that need no engine: turns, agreement, the result file, summaries, its address.

import { describe, expect, test } from "vitest";
import { readAddress } from "../../../bench/page/address";
import { agreeingTokens } from "../../../bench/page/compare";
import { browserOf, warningsOf } from "../../../bench/page/device_facts";
import { interleave } from "../../../bench/page/plan";
import { promptOfTokens, promptText } from "../../../bench/page/prompt_text";
import { type BenchResult, type ContenderResult, readResult, writeResult } from "../../../bench/page/result";
import { ratio, speedsOf, summaryTable } from "../../../bench/page/summary";
import { timingOf } from "../../../bench/page/timing";

describe("turns", () => {
  test("every engine in every round, every second round backwards", () => {
    const order = interleave(3, 3)
      .filter(({ test: of }) => of === "reply")
      .map(({ contender }) => contender);
    expect(order).toEqual([0, 1, 2, 2, 1, 0, 0, 1, 2]);
  });

  test("an engine's mean place is the same as another's over an even number of rounds", () => {
    const places = new Map<number, number>();
    for (const { contender, place } of interleave(5, 4)) places.set(contender, (places.get(contender) ?? 0) + place);
    expect(new Set(places.values()).size).toBe(1);
    expect(places.size).toBe(5);
  });
});

describe("agreement with the reference", () => {
  const pieces = ["The", " fox", "", " saw", "."];
  test.each([
    ["all of it", "The fox saw.", 5],
    ["all of it, and more that the reference did not say", "The fox saw. It", 5],
    ["another word", "The cat saw.", 1],
    ["cut off within a token", "The fo", 1],
    ["nothing", "", 0],
    ["other from the start", "A fox", 0],
    ["right up to the last token", "The fox saw!", 4],
  ])("%s", (_why, text, agreeing) => {
    expect(agreeingTokens(pieces, text)).toBe(agreeing);
  });

  test("a last token without text of its own counts when what is before it is right", () => {
    expect(agreeingTokens(["a", ""], "a")).toBe(2);
    expect(agreeingTokens(["a", ""], "b")).toBe(0);
  });
});

const run = (round: number, test: "prompt" | "reply", tokensPerSecond: number) => ({
  round,
  place: 0,
  test,
  promptTokens: 8,
  replyTokens: 16,
  firstTokenMs: 20,
  tokensPerSecond,
});

const contender = (id: string, replies: readonly number[]): ContenderResult => ({
  id,
  name: id,
  version: "1.0",
  weights: "m.gguf",
  runsOn: "gpu",
  loadMs: 100,
  gpuBytes: 1e6,
  gpuCalls: { dispatches: 52, submits: 1, bindGroups: 0, buffers: 0 },
  agreement: { agreeing: 16, tokens: 16, sameWeights: true },
  runs: replies.map((speed, round) => run(round, "reply", speed)),
});

const result: BenchResult = {
  format: "fennec-benchmark",
  version: 1,
  date: "2026-11-28T00:00:00.000Z",
  model: "m.gguf",
  device: {
    userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    cores: 2,
    adapter: "google swiftshader",
    fallbackAdapter: true,
    features: ["subgroups"],
    crossOriginIsolated: true,
  },
  settings: { rounds: 3, promptTokens: 64, replyTokens: 16, threads: 1 },
  reference: { by: "f64", tokens: 16, text: "once" },
  warnings: ["software"],
  contenders: [contender("a", [20, 40, 30]), { ...contender("b", [10, 10, 10]), error: "went wrong" }],
};

describe("the result file", () => {
  test("comes back as it was", () => {
    expect(readResult(writeResult(result))).toEqual(result);
  });

  const change = (path: readonly (string | number)[], value: unknown): string => {
    const copy = JSON.parse(writeResult(result));
    const last = path.at(-1)!;
    const holder = path.slice(0, -1).reduce((at, key) => at[key], copy);
    if (value === undefined) delete holder[last];
    else holder[last] = value;
    return JSON.stringify(copy);
  };
  test.each([
    ["no JSON", "{", "not JSON"],
    ["a list", "[]", "no object"],
    ["another program's", JSON.stringify({ format: "other" }), "no result"],
    ["a later version", change(["version"], 2), "version 2"],
    ["no device", change(["device"], undefined), "device is no object"],
    ["a speed that is text", change(["contenders", 0, "runs", 1, "tokensPerSecond"], "9"), "runs[1].tokensPerSecond"],
    ["a speed below nothing", change(["contenders", 0, "runs", 0, "tokensPerSecond"], -1), "runs[0].tokensPerSecond"],
    ["an unknown test", change(["contenders", 0, "runs", 0, "test"], "sprint"), "runs[0].test"],
    ["an error that is an object", change(["contenders", 1, "error"], {}), "contenders[1].error"],
    ["no agreement of tokens", change(["contenders", 0, "agreement", "agreeing"], null), "agreement.agreeing"],
    ["no date", change(["date"], "yesterday"), "date"],
    ["engines that are no list", change(["contenders"], { length: 1 }), "contenders is no list"],
    ["no warnings", change(["warnings"], undefined), "warnings is no list"],
  ])("is refused by name: %s", (_what, text, says) => {
    expect(() => readResult(text)).toThrow(says);
  });
});

describe("the summary", () => {
  test("ratios are within rounds: a slow round for both does not count", () => {
    const a = contender("a", [20, 2, 22]);
    const b = contender("b", [10, 1, 11]);
    expect(ratio(a, b, "reply")).toBe(2);
    expect(ratio(a, b, "prompt")).toBeUndefined();
    expect(speedsOf(a).reply).toBe(20);
  });

  test("a failed engine is named with its reason, and other weights are said", () => {
    const other = { ...contender("c", [10, 10, 10]), agreement: { agreeing: 3, tokens: 16, sameWeights: false } };
    const table = summaryTable({ ...result, contenders: [...result.contenders, other] });
    expect(table).toContain("failed: went wrong");
    expect(table).toContain("3 of 16 (other weights)");
    expect(table).toContain("52 / 1");
  });
});

describe("timings from arrivals", () => {
  const turn = { round: 0, place: 1, contender: 0, test: "reply" } as const;
  const reply = { text: "", tokens: 5, promptTokens: 8, arrivals: [100, 200, 300, 400, 500] };

  test("a reply: tokens after the first, over the time after the first", () => {
    expect(timingOf(reply, turn, 510, 8)).toMatchObject({ firstTokenMs: 100, tokensPerSecond: 10, replyTokens: 5 });
  });

  test("tokens whose text came together still count", () => {
    expect(timingOf({ ...reply, arrivals: [100, 500] }, turn, 510, 8).tokensPerSecond).toBe(10);
  });

  test("a prompt: its tokens up to the first of the reply", () => {
    const prompt = timingOf({ ...reply, tokens: 1, arrivals: [400] }, { ...turn, test: "prompt" }, 410, 8);
    expect(prompt.tokensPerSecond).toBe(20);
    const uncounted = { ...reply, tokens: 1, promptTokens: undefined, arrivals: [] };
    expect(timingOf(uncounted, { ...turn, test: "prompt" }, 500, 64).tokensPerSecond).toBe(128);
  });
});

describe("prompts", () => {
  test("begin differently, so that no engine has computed them before", () => {
    const starts = Array.from({ length: 40 }, (_, i) => promptText(100 + i, 60).slice(0, 60));
    expect(new Set(starts).size).toBe(40);
    expect(promptText(7, 30)).toBe(promptText(7, 30));
  });

  test.each([8, 64, 500])("of at most %i tokens, by less than a word", async (tokens) => {
    const count = async (text: string) => Math.ceil(text.length / 3);
    const text = await promptOfTokens(3, tokens, count);
    expect(await count(text)).toBeLessThanOrEqual(tokens);
    expect(await count(text)).toBeGreaterThan(tokens - 4);
  });
});

describe("the address", () => {
  test("names files, settings and engines", () => {
    const page =
      "http://localhost:1/?gguf=models/a.gguf&onnx=models/a/&type=q8&cputype=fp32&engines=x,y&rounds=3&run=1";
    const { files, settings, engines, run: begins } = readAddress(new URL(page));
    expect(files).toEqual({
      gguf: "http://localhost:1/models/a.gguf",
      onnx: "http://localhost:1/models/a/",
      onnxHasSameWeights: true,
      onnxTypes: { gpu: "q8", cpu: "fp32" },
    });
    expect([settings.rounds, engines, begins]).toEqual([3, ["x", "y"], true]);
  });

  test("WebLLM's model is a name of its list, or a folder with its library, whose weights are the file's unless denied", () => {
    const mlcOf = (query: string) => readAddress(new URL(`http://localhost:1/?${query}`)).files.mlc;
    expect(mlcOf("mlc=Qwen3-0.6B-q4f16_1-MLC")).toEqual({ model: "Qwen3-0.6B-q4f16_1-MLC" });
    const folder = { model: "models/a-mlc/", library: "models/a.wasm" };
    expect(mlcOf("mlc=models/a-mlc/&library=models/a.wasm")).toEqual({ ...folder, sameWeights: true });
    expect(mlcOf("mlc=models/a-mlc/&library=models/a.wasm&same=0")).toEqual({ ...folder, sameWeights: false });
  });

  test("an empty one is the defaults, and nonsense too", () => {
    const plain = readAddress(new URL("http://localhost/"));
    expect(plain).toMatchObject({ files: {}, engines: undefined, run: false });
    expect(readAddress(new URL("http://localhost/?rounds=0&prompt=x&reply=1e9")).settings).toEqual(plain.settings);
  });
});

describe("the device", () => {
  const agents: readonly (readonly [string, string])[] = [
    ["Chrome 156 on Linux", result.device.userAgent],
    ["Edge 150 on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0"],
    ["Firefox 147 on Mac OS X", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:147.0) Gecko/20100101 Firefox/147.0"],
    ["Safari 26 on Mac OS X", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605.1.15"],
    ["unknown", "curl"],
  ];
  test.each(agents)("%s", (name, agent) => {
    expect(browserOf(agent)).toBe(name);
  });

  test("a fallback adapter and a missing isolation are warned of; a GPU is not", () => {
    expect(warningsOf(result.device)).toEqual([expect.stringContaining("drawn by the processor")]);
    expect(warningsOf({ ...result.device, fallbackAdapter: false, adapter: "nvidia" })).toEqual([]);
    expect(warningsOf({ ...result.device, crossOriginIsolated: false })).toHaveLength(2);
    expect(warningsOf({ ...result.device, adapter: "no WebGPU" })).toEqual([expect.stringContaining("no WebGPU")]);
  });
});
