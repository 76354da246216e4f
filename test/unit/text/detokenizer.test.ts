import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDetokenizer } from "../../../src/text/detokenizer";
import { type Tokenizer, tokenizerFromMetadata } from "../../../src/text/tokenizer";
import { bpeMetadata, spmMetadata } from "../../support/vocabularies";

const tokenizers: readonly (readonly [string, Tokenizer])[] = [
  ["byte-level BPE", tokenizerFromMetadata(bpeMetadata())],
  ["SentencePiece", tokenizerFromMetadata(spmMetadata(["▁", "▁a", "a", "é", "▁▁"].map((text) => ({ text }))))],
];

describe.each(tokenizers)("%s", (_name, tokenizer) => {
  const anyIds = fc.array(fc.nat({ max: tokenizer.vocabSize + 3 }), { maxLength: 40 });

  test("pieces joined are the text of all ids, whatever the ids", () => {
    fc.assert(
      fc.property(anyIds, fc.boolean(), (ids, skipSpecial) => {
        const detokenizer = createDetokenizer(tokenizer, { skipSpecial });
        const pieces = ids.map((id) => detokenizer.push(id));
        expect(pieces.join("") + detokenizer.flush()).toBe(tokenizer.decode(ids, { skipSpecial }));
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test("no piece holds half a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("é", "日", "🙂", "a", " "), maxLength: 20 }), (text) => {
        const detokenizer = createDetokenizer(tokenizer);
        let sofar = "";
        for (const id of tokenizer.encode(text)) {
          sofar += detokenizer.push(id);
          expect(text.startsWith(sofar)).toBe(true);
        }
        expect(detokenizer.flush()).toBe("");
        expect(sofar).toBe(text);
      }),
      { seed: 9, numRuns: 200 },
    );
  });
});

describe("SentencePiece's leading space", () => {
  const [, tokenizer] = tokenizers[1]!;
  const id = (text: string): number =>
    Array.from({ length: tokenizer.vocabSize }, (_, i) => i).find((i) => tokenizer.tokenText(i) === text)!;
  const first = (after: number | undefined): string =>
    createDetokenizer(tokenizer, after === undefined ? {} : { after }).push(id("▁a"));

  test("is the tokenizer's own at the start of a text", () => expect(first(undefined)).toBe("a"));
  test("and after BOS", () => expect(first(1)).toBe("a"));
  test("but is the model's within a text", () => expect(first(id("a"))).toBe(" a"));
  test("only one is taken away", () => {
    expect(createDetokenizer(tokenizer).push(id("▁▁"))).toBe(" ");
  });
});

test("bytes that never become a character come out at the end", () => {
  const [, tokenizer] = tokenizers[1]!;
  const detokenizer = createDetokenizer(tokenizer);
  expect(detokenizer.push(3 + 0xc3)).toBe("");
  expect(detokenizer.flush()).toBe("\ufffd");
});
