// Split GGUF models: opened from any part's name, wherever the parts are; every way in which parts do not belong together.

import { describe, expect, test } from "vitest";
import { openSplitGguf, splitNames } from "../../../src/files/gguf_split";
import { memorySource } from "../../../src/files/memory_source";
import { openModel } from "../../../src/open_model";
import { expectFennecError } from "../../support/expect_error";
import { type GgufFile, gguf, ggufBytes } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";

const model = randomModel({ layers: 2, dim: 32, hidden: 48, vocab: 300, seed: 3 });
const name = (part: number, count = 3) => `m-0000${part}-of-0000${count}.gguf`;

/** As llama.cpp splits: all metadata in the first part, tensors in turn. */
function parts(
  changes: Readonly<Record<number, Readonly<Record<string, number>>>> = {},
): Map<string, Uint8Array<ArrayBuffer>> {
  const each = Math.ceil(model.tensors.length / 3);
  return new Map(
    [0, 1, 2].map((part) => {
      const own = { "split.no": part, "split.count": 3, "split.tensors.count": model.tensors.length, ...changes[part] };
      const keys = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, gguf.u32(value)]));
      const file: GgufFile = {
        metadata: { ...(part === 0 ? model.metadata : {}), ...keys },
        tensors: model.tensors.slice(part * each, (part + 1) * each),
      };
      return [name(part + 1), ggufBytes(file)];
    }),
  );
}

function open(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, names = [name(1), name(2), name(3)]) {
  return openSplitGguf(names, async (file) => {
    const bytes = files.get(file);
    return bytes && memorySource(bytes, file);
  });
}

test("has the tensors of the whole file, byte for byte", async () => {
  const whole = await openModel(ggufBytes(model));
  const split = await open(parts());
  expect([...split.tensors.keys()]).toEqual([...whole.tensors.keys()]);
  expect(split.metadata.get("general.architecture")).toBe("llama");
  expect(split.name).toBe("m.gguf");
  for (const { name, offset, bytes, source } of split.tensors.values()) {
    const want = whole.tensors.get(name)!;
    expect(Buffer.compare(await source.read(offset, bytes), await want.source.read(want.offset, bytes)), name).toBe(0);
  }
});

test("files that were chosen together, in any order", async () => {
  const files = [...parts()].reverse().map(([file, bytes]) => new File([bytes], file));
  const file = await openModel(files);
  expect(file.tensors.size).toBe(model.tensors.length);
});

describe("refused", () => {
  const without = (...missing: number[]) =>
    new Map([...parts()].filter(([file]) => !missing.map((n) => name(n)).includes(file)));

  test.each([
    ["a missing part is named", without(2), "source-unreadable", name(2)],
    ["both missing parts are named", without(1, 3), "source-unreadable", name(3)],
    ["a part in another's place", parts({ 1: { "split.no": 2 } }), "file-corrupt", "part 3 of 3"],
    ["a part of another number of parts", parts({ 2: { "split.count": 4 } }), "file-corrupt", "of 4"],
    ["a tensor count that is wrong", parts({ 0: { "split.tensors.count": 1 } }), "file-corrupt", "1 tensors"],
  ] as const)("%s", async (_name, files, code, word) => {
    await expectFennecError(() => open(files), code, word);
  });

  test("the same part twice", async () => {
    const files = parts();
    files.set(name(2), files.get(name(1))!);
    await expectFennecError(() => open(files), "file-corrupt", "part 1 of 3");
  });

  test("one part alone, as a File", async () => {
    const [, bytes] = [...parts()][0]!;
    await expectFennecError(() => openModel(bytes), "file-unsupported", "3 parts");
  });

  test("quantizing a GGUF file", async () => {
    await expectFennecError(() => openModel(ggufBytes(model), { quantize: "q8_0" }), "invalid-argument", "quantize");
  });
});

describe("names", () => {
  test.each([
    ["a path", "/models/a-00002-of-00003.gguf", "/models/a-00001-of-00003.gguf"],
    ["the hub", "hf:o/r/q/a-00001-of-00002.gguf@main", "hf:o/r/q/a-00001-of-00002.gguf@main"],
    ["a URL with a query", "https://x/a-00001-of-00002.gguf?t=1", "https://x/a-00001-of-00002.gguf?t=1"],
  ])("%s", (_name, from, first) => {
    expect(splitNames(from)![0]).toBe(first);
  });

  test.each(["a.gguf", "a-00001-of-00001.gguf", "a-1-of-2.gguf", "a-00001-of-00002.bin"])("%s is one file", (file) => {
    expect(splitNames(file)).toBeUndefined();
  });

  test.each(["a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-00001-of-99999.gguf"])(
    "%s is refused",
    async (file) => {
      await expectFennecError(async () => splitNames(file), "invalid-argument", file);
    },
  );
});
