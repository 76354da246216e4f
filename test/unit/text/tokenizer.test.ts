import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { preTokenizers } from "../../../src/text/pre_tokenizers";
import { type EncodeOptions, lazyTokenizer, tokenizerFromMetadata } from "../../../src/text/tokenizer";
import { MAX_TOKEN_LENGTH, TokenKind } from "../../../src/text/vocabulary";
import { bpeMetadata, spmMetadata, type TestMetadata } from "../../support/vocabularies";

const bpe = tokenizerFromMetadata(bpeMetadata());
const idOf = (text: string): number =>
  Array.from({ length: bpe.vocabSize }, (_, id) => id).find((id) => bpe.tokenText(id) === text)!;

const spmPieces = ["▁", "▁he", "he", "h", "e", "l", "ll", "llo", "▁hello", "o"].map((text, i) => ({ text, score: -i }));
const spm = tokenizerFromMetadata(spmMetadata(spmPieces));

describe("byte-level BPE", () => {
  const cases: readonly (readonly [why: string, text: string, options: EncodeOptions, ids: readonly string[]])[] = [
    ["merges in the order of their rank", "hello", {}, ["hello"]],
    ["a space belongs to the word after it", "hello world", {}, ["hello", "Ġworld"]],
    ["digits are split before merges can join them", "12", {}, ["1", "2"]],
    ["bytes of a character that has no token", "é", {}, ["Ã", "©"]],
    ["special tokens in a user's text are text", "<|im_end|>", {}, [..."<|im_end|>"]],
    ["special tokens in a template are special", "<|im_end|>", { special: true }, ["<|im_end|>"]],
    ["user-defined tokens are found in any text", "he<tab>he", {}, ["he", "<tab>", "he"]],
    ["no text, no tokens", "", {}, []],
  ];
  test.each(cases)("%s", (_why, text, options, expected) => {
    expect(bpe.encode(text, options).map((id) => bpe.tokenText(id))).toEqual(expected);
  });

  test("any text comes back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        expect(bpe.decode(bpe.encode(text))).toBe(wellFormed(text));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test("a file without the key tokenizer.ggml.pre uses the default rules", () => {
    const metadata = bpeMetadata();
    metadata.delete("tokenizer.ggml.pre");
    expect(tokenizerFromMetadata(metadata).encode("hello world").length).toBe(2);
  });

  test("add_bos is off unless the file or its pre-tokenizer says otherwise", () => {
    const keys = { "tokenizer.ggml.bos_token_id": 5 };
    expect(tokenizerFromMetadata(bpeMetadata(keys)).addBos).toBe(false);
    expect(tokenizerFromMetadata(bpeMetadata({ ...keys, "tokenizer.ggml.add_bos_token": true })).addBos).toBe(true);
    expect(tokenizerFromMetadata(bpeMetadata({ ...keys, "tokenizer.ggml.pre": "llama-bpe" })).addBos).toBe(true);
  });

  test.each([...preTokenizers.keys()])("the rules %s split and give back a text of many kinds", (pre) => {
    const tokenizer = tokenizerFromMetadata(bpeMetadata({ "tokenizer.ggml.pre": pre }));
    const text = "Hello, WORLD's 12345 ½ naïve 日本語 カナ\r\n\n  tabs\tand   spaces  don't (x)!= 🙂‍🔥 한국어 עברית ";
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });
});

/** A lone surrogate has no UTF-8: it comes back as U+FFFD. */
function wellFormed(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

describe("SentencePiece", () => {
  const texts = (text: string, options?: EncodeOptions) => spm.encode(text, options).map((id) => spm.tokenText(id));

  const cases: readonly (readonly [why: string, text: string, options: EncodeOptions, pieces: readonly string[]])[] = [
    ["a space is put in front of the text", "hello", {}, ["▁hello"]],
    ["and joins spaces that are there", " hello", {}, ["▁", "▁hello"]],
    ["bytes of a character that is no piece", "é", {}, ["▁", "<0xC3>", "<0xA9>"]],
    ["BOS as the file says, and without the key: yes", "hello", { bos: true }, ["<s>", "▁hello"]],
    ["a BOS that is there is not doubled", "<s>hello", { special: true, bos: true }, ["<s>", "▁hello"]],
    ["EOS only where the file says", "hello", { eos: true }, ["▁hello"]],
    ["text after a special token begins anew", "hello</s>hello", { special: true }, ["▁hello", "</s>", "▁hello"]],
    [
      "the spelling of a byte token is text",
      "<0x41>",
      {},
      ["▁", "<0x3C>", "<0x30>", "<0x78>", "<0x34>", "<0x31>", "<0x3E>"],
    ],
    ["no text, no tokens", "", {}, []],
  ];
  test.each(cases)("%s", (_why, text, options, pieces) => expect(texts(text, options)).toEqual(pieces));

  test("no space in front where the file says so", () => {
    const bare = tokenizerFromMetadata(spmMetadata(spmPieces, { "tokenizer.ggml.add_space_prefix": false }));
    expect(bare.encode("he").map((id) => bare.tokenText(id))).toEqual(["he"]);
    expect(bare.decode(bare.encode(" he"))).toBe(" he");
  });

  test("EOS where the file says so", () => {
    const ended = tokenizerFromMetadata(spmMetadata(spmPieces, { "tokenizer.ggml.add_eos_token": true }));
    expect(ended.encode("hello", { eos: true }).at(-1)).toBe(2);
  });

  test("any text comes back, with what special tokens it spells", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("he", "llo", " ", "  ", "\n", "é", "🙂", "<s>", "</s>", "<0x41>")),
        (parts) => {
          const text = parts.join("");
          expect(spm.decode(spm.encode(text))).toBe(text);
          expect(spm.decode(spm.encode(text, { special: true }))).toBe(text);
        },
      ),
      { seed: 3, numRuns: 200 },
    );
  });

  /** The rule as it stands in llama.cpp, without words or merges: join the best pair, the leftmost of equals. */
  function joinBest(text: string, scores: ReadonlyMap<string, number>): string[] {
    const symbols = [...text];
    for (;;) {
      let best = -1;
      for (let i = 0; i + 1 < symbols.length; i++) {
        const score = scores.get(symbols[i]! + symbols[i + 1]!);
        if (score !== undefined && (best < 0 || score > scores.get(symbols[best]! + symbols[best + 1]!)!)) best = i;
      }
      if (best < 0) return symbols;
      symbols.splice(best, 2, symbols[best]! + symbols[best + 1]!);
    }
  }

  test("words and merges give what joining the best pair of the whole text gives", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "b", "▁", "🙂"), minLength: 2, maxLength: 4 });
    const letters = ["a", "b", "▁", "🙂"];
    fc.assert(
      fc.property(
        fc.uniqueArray(piece, { maxLength: 12 }),
        fc.string({ unit: fc.constantFrom("a", "b", " ", "🙂"), maxLength: 14 }),
        (pieces, text) => {
          const all = [...letters, ...pieces];
          const metadata = spmMetadata(
            all.map((of, i) => ({ text: of, score: -i })),
            { "tokenizer.ggml.add_space_prefix": false },
          );
          const scores = new Map(pieces.map((of, i) => [of, -letters.length - i]));
          const tokenizer = tokenizerFromMetadata(metadata);
          expect(tokenizer.encode(text).map((id) => tokenizer.tokenText(id))).toEqual(
            joinBest(text.replaceAll(" ", "▁"), scores),
          );
        },
      ),
      { seed: 11, numRuns: 400 },
    );
  });
});

describe("stop ids", () => {
  const stops = (...texts: readonly string[]): string[] => {
    const metadata = spmMetadata(texts.map((text) => ({ text })));
    const tokenizer = tokenizerFromMetadata(metadata);
    return [...tokenizer.stopIds].map((id) => tokenizer.tokenText(id)!);
  };
  test("the end of a text and the end of a turn", () =>
    expect(stops("<|im_end|>", "x")).toEqual(["</s>", "<|im_end|>"]));
  test("a text that ends a reply is special whatever the file calls it", () => {
    const tokenizer = tokenizerFromMetadata(spmMetadata([{ text: "<|im_end|>" }]));
    expect(tokenizer.isSpecial(259)).toBe(true);
    expect(tokenizer.encode("<|im_end|>")).not.toContain(259);
  });
  test("in harmony's vocabulary <|end|> only ends a message", () => {
    expect(stops("<|end|>", "<|return|>", "<|call|>")).toEqual(["</s>", "<|return|>", "<|call|>"]);
  });
  test("elsewhere it ends the reply", () => expect(stops("<|end|>")).toContain("<|end|>"));
  test("a key names the end of the turn", () => {
    const metadata = spmMetadata([{ text: "<|im_end|>" }, { text: "fin" }], { "tokenizer.ggml.eot_token_id": 260 });
    const tokenizer = tokenizerFromMetadata(metadata);
    expect(tokenizer.eotId).toBe(260);
    expect(tokenizer.stopIds).toEqual(new Set([2, 259, 260]));
  });
});

function longTexts(kind: number) {
  return Array.from({ length: 400 }, (_, i) => ({ text: `${i} ${"ab".repeat(MAX_TOKEN_LENGTH / 2 - 4)}`, kind }));
}

describe("files without a usable tokenizer", () => {
  const changed = (
    changes: Readonly<Record<string, unknown>>,
    metadata: TestMetadata = bpeMetadata(),
  ): TestMetadata => {
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) metadata.delete(`tokenizer.ggml.${key}`);
      else metadata.set(`tokenizer.ggml.${key}`, value as string);
    }
    return metadata;
  };
  const cases: readonly (readonly [why: string, metadata: TestMetadata, code: string, says: string])[] = [
    ["no keys at all", new Map(), "tokenizer-missing", "absent"],
    ["a stand-in", changed({ model: "test" }), "tokenizer-missing", '"test"'],
    ["none", changed({ model: "none" }), "tokenizer-missing", '"none"'],
    ["a model without a list", changed({ tokens: undefined }), "tokenizer-missing", "no tokenizer"],
    ["BPE without merges", changed({ merges: undefined }), "tokenizer-missing", "merges"],
    ["another kind", changed({ model: "bert" }), "tokenizer-unsupported", '"bert"'],
    ["rules nobody knows", changed({ pre: "next-year" }), "tokenizer-unsupported", '"next-year"'],
    ["a list of numbers", changed({ tokens: new Int32Array(3) }), "metadata-type", "tokens"],
    ["an empty list", changed({ tokens: [] }), "metadata-type", "0 entries"],
    ["kinds for half of the tokens", changed({ token_type: new Int32Array(9) }), "metadata-type", "9 entries"],
    [
      "a token as long as a book",
      changed({ tokens: ["x".repeat(MAX_TOKEN_LENGTH + 1)] }),
      "metadata-type",
      "characters",
    ],
    ["pieces of thousands of letters", spmMetadata(longTexts(TokenKind.normal)), "metadata-type", "too long"],
    ["special tokens of thousands of letters", spmMetadata(longTexts(TokenKind.control)), "metadata-type", "special"],
    ["a switch that is a number", changed({ add_bos_token: 1, bos_token_id: 1 }), "metadata-type", "true or false"],
  ];
  test.each(cases)("%s", (_why, metadata, code, says) => {
    const get = lazyTokenizer(metadata);
    for (let time = 0; time < 2; time++) {
      expect(get).toThrow(expect.objectContaining({ code, message: expect.stringContaining(says) }));
    }
  });

  test("a usable one is made once", () => {
    const get = lazyTokenizer(bpeMetadata());
    expect(get()).toBe(get());
  });
});

describe("odd vocabularies", () => {
  test("tokens named as JavaScript's own fields", () => {
    const tokenizer = tokenizerFromMetadata(
      spmMetadata(["▁", "__proto__", "constructor", "_", "a"].map((text, i) => ({ text, score: -i }))),
    );
    expect(tokenizer.decode(tokenizer.encode("__proto__ constructor"))).toBe("__proto__ constructor");
  });
  test("the same token twice: the first counts", () => {
    const tokenizer = tokenizerFromMetadata(
      spmMetadata([{ text: "▁a" }, { text: "▁a" }, { text: "▁" }, { text: "a" }]),
    );
    expect(tokenizer.encode("a")).toEqual([259]);
  });
  test("an empty special token matches nothing", () => {
    const tokenizer = tokenizerFromMetadata(spmMetadata([{ text: "", kind: TokenKind.control }, { text: "▁" }]));
    expect(tokenizer.decode(tokenizer.encode("ab", { special: true }))).toBe("ab");
  });
  test("ids past the list are nothing, and what is no id is refused", () => {
    expect(bpe.decode([idOf("hello"), 99_999])).toBe("hello");
    for (const id of [-1, 1.5, Number.NaN]) {
      expect(() => bpe.decode([id])).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    }
  });
  test("special tokens are left out on request", () => {
    expect(spm.decode([1, ...spm.encode("hello"), 2], { skipSpecial: true })).toBe("hello");
    expect(spm.decode([1, ...spm.encode("hello"), 2])).toBe("<s>hello</s>");
  });
  test("nothing decodes to nothing", () => expect(spm.decode([])).toBe(""));
});
