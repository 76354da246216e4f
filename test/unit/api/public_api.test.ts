// What people can import. A change here is a change for them: it belongs in the changelog.

import { expect, test } from "vitest";
import * as entry from "../../../src/index";
import text from "../../../src/index.ts?raw";

test("values", () => {
  expect(Object.keys(entry).sort()).toEqual([
    "FennecError",
    "deleteCachedFile",
    "isFennecError",
    "listCachedFiles",
    "load",
    "probe",
  ]);
});

test("types", () => {
  const names = [...text.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, list]) =>
    list!
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && (all || name.startsWith("type ")))
      .map((name) => name.replace(/^type /, "")),
  );
  expect(names.sort()).toEqual([
    "AdapterLimits",
    "AdapterProbe",
    "ApiStream",
    "BackendChange",
    "BackendChoice",
    "BackendInfo",
    "BackendKind",
    "BackendState",
    "ByteSource",
    "CacheStore",
    "CachedFile",
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatMessage",
    "ChatMessageParam",
    "ChatParams",
    "Completion",
    "CompletionChunk",
    "CompletionParams",
    "EngineProgress",
    "ErrorCode",
    "FennecEngine",
    "FinishReason",
    "GenerateOptions",
    "GeneratedToken",
    "Generation",
    "GenerationResult",
    "KvType",
    "LoadOptions",
    "LogitsOptions",
    "ModelInfo",
    "ModelSource",
    "OnnxChoice",
    "OpenAiSurface",
    "Precision",
    "Probe",
    "Quantization",
    "RequestOptions",
    "SamplingOptions",
    "Source",
    "Timings",
    "Tokenizer",
    "Usage",
  ]);
});

test("the entry holds re-exports only", () => {
  const code = text.replace(/\/\/.*$/gm, "").replace(/export (type )?\{[^}]*\} from "[^"]+";/g, "");
  expect(code.trim()).toBe("");
});
