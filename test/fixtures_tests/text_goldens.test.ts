// Tokenizers of Hugging Face models, whose tokenizer.json is turned into the metadata that a conversion to GGUF writes,
// against the ids and texts that Hugging Face's own tokenizers give.

import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { MetadataValue } from "../../src/files/weights_file";
import { type Tokenizer, tokenizerFromMetadata } from "../../src/text/tokenizer";
import { TokenKind } from "../../src/text/vocabulary";
import { readFixture, readFixtureText } from "../support/files";

interface TokenizerJson {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly byte_fallback?: boolean;
  };
  readonly added_tokens: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
}

interface Golden {
  readonly text: string;
  readonly ids: readonly number[];
  readonly ids_special: readonly number[] | null;
  readonly decoded: string;
}

interface Source {
  readonly name: string;
  /** Keys beside the lists. */
  readonly keys: Readonly<Record<string, MetadataValue>>;
  /** Whether `ids_special` is the text with BOS, as a GGUF file can say it. */
  readonly bos?: boolean;
  /** Texts that come back differently, and why. They must go on differing: when one agrees, it goes from here. */
  readonly decodedDifferently?: readonly string[];
}

const sources: readonly Source[] = [
  { name: "smollm2", keys: { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm" } },
  {
    name: "lfm2.5",
    keys: { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "lfm2", "tokenizer.ggml.bos_token_id": 1 },
    bos: true,
  },
  {
    name: "phi3v",
    keys: { "tokenizer.ggml.model": "llama" },
    bos: true,
    // The space before the text after a special token is the tokenizer's: we take it away, so that texts come back
    // as they were; Hugging Face takes away only the first of all.
    decodedDifferently: ["a<|endoftext|>b", "<s>x</s>", "<|user|> q <|end|>"],
  },
  { name: "whisper", keys: { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2" } },
];

/** As llama.cpp's converter writes it: byte tokens by their spelling, scores by rank where the merges are the model. */
function metadataOf(json: TokenizerJson, keys: Source["keys"]): ReadonlyMap<string, MetadataValue> {
  const spm = json.model.byte_fallback === true;
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(json.model.vocab)) tokens[id] = token;
  const kinds = new Int32Array(Math.max(tokens.length, ...json.added_tokens.map(({ id }) => id + 1)));
  kinds.fill(TokenKind.normal);
  if (spm) {
    tokens.forEach((token, id) => {
      if (/^<0x[0-9A-F]{2}>$/.test(token)) kinds[id] = TokenKind.byte;
    });
  }
  for (const { id, content, special } of json.added_tokens) {
    tokens[id] = content;
    kinds[id] = special ? TokenKind.control : TokenKind.userDefined;
  }
  return new Map<string, MetadataValue>([
    ...Object.entries(keys),
    ["tokenizer.ggml.tokens", Array.from(tokens, (token, id) => token ?? `[PAD${id}]`)],
    ["tokenizer.ggml.token_type", kinds],
    spm
      ? ["tokenizer.ggml.scores", scoresOf(tokens, json.model.merges)]
      : ["tokenizer.ggml.merges", json.model.merges.map((pair) => (typeof pair === "string" ? pair : pair.join(" ")))],
  ]);
}

/** SentencePiece's scores fall with the rank of the first merge that makes a piece. */
function scoresOf(tokens: readonly string[], merges: TokenizerJson["model"]["merges"]): Float32Array {
  const ranks = new Map<string, number>();
  merges.forEach((pair, rank) => {
    const made = (typeof pair === "string" ? pair.split(" ") : pair).join("");
    if (!ranks.has(made)) ranks.set(made, rank);
  });
  return Float32Array.from(tokens, (token) => -(ranks.get(token) ?? 0));
}

async function tokenizerOf({ name, keys }: Source): Promise<Tokenizer> {
  const packed = await readFixture(`third-party/tokenizers/${name}-tokenizer.json.gz`, "external");
  return tokenizerFromMetadata(metadataOf(JSON.parse(gunzipSync(packed).toString()), keys));
}

describe.each(sources)("$name", async (source) => {
  const tokenizer = await tokenizerOf(source);
  const lines = await readFixtureText(`goldens/tokenizers/${source.name}-tokenizer.json.jsonl`, "external");
  const goldens: readonly Golden[] = lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  test("has goldens", () => expect(goldens.length).toBeGreaterThan(400));
  test.each(goldens)("encodes $text", ({ text, ids, ids_special }) => {
    expect(tokenizer.encode(text, { special: true })).toEqual(ids);
    if (!source.bos) return;
    // A text that begins with BOS gets no second one.
    const withBos = text.startsWith(tokenizer.tokenText(tokenizer.bosId!)!) ? ids_special!.slice(1) : ids_special;
    expect(tokenizer.encode(text, { special: true, bos: true })).toEqual(withBos);
  });

  test.each(goldens)("decodes $decoded", ({ text, ids, decoded }) => {
    if (source.decodedDifferently?.includes(text)) {
      expect(tokenizer.decode(ids)).not.toBe(decoded);
      expect(tokenizer.decode(ids)).toBe(text);
    } else {
      expect(tokenizer.decode(ids)).toBe(decoded);
    }
  });
});
