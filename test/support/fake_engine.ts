// An engine over the fake backend, with a real tokenizer whose tokens are single bytes and a few specials, and a reply
// that a test writes as text. For tests of everything that turns tokens into replies.

import { Engine, type EngineInput } from "../../src/engine/engine";
import { FennecError } from "../../src/errors";
import type { MetadataValue } from "../../src/files/weights_file";
import { type ChatTemplate, compileChatTemplate } from "../../src/text/chat_template";
import { type Tokenizer, tokenizerFromMetadata } from "../../src/text/tokenizer";
import { FakeBackend, type FakeOptions } from "./fake_backend";

/** Ids of the made-up vocabulary: specials, then the 256 bytes, the space, then pieces. */
export const TOKEN = {
  bos: 1,
  end: 2,
  assistant: 3,
  user: 4,
  system: 5,
  firstByte: 6,
  space: 262,
  firstPiece: 263,
} as const;

const SPECIALS = ["<unk>", "<s>", "</s>", "<|assistant|>", "<|user|>", "<|system|>"];
const CONTROL = 3;
const BYTE = 6;

/** @param pieces Tokens of several characters, from id {@link TOKEN}.firstPiece on. */
export function fakeTokenizer(pieces: readonly string[] = []): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = [...SPECIALS, ...bytes, "▁", ...pieces];
  const kinds = tokens.map((_, id) => (id < SPECIALS.length ? CONTROL : id < TOKEN.space ? BYTE : 1));
  return tokenizerFromMetadata(
    new Map<string, MetadataValue>([
      ["tokenizer.ggml.model", "llama"],
      ["tokenizer.ggml.tokens", tokens],
      ["tokenizer.ggml.scores", Float32Array.from(tokens, (_, id) => -id)],
      ["tokenizer.ggml.token_type", Int32Array.from(kinds)],
      ["tokenizer.ggml.bos_token_id", TOKEN.bos],
      ["tokenizer.ggml.eos_token_id", TOKEN.end],
      ["tokenizer.ggml.unknown_token_id", 0],
      ["tokenizer.ggml.add_space_prefix", false],
    ]),
  );
}

/** `<|role|>text` for each message, then `<|assistant|>`. */
export const fakeTemplate: ChatTemplate = compileChatTemplate(
  "{% for m in messages %}{{ '<|' ~ m.role ~ '|>' ~ m.content }}{% endfor %}<|assistant|>",
);

export interface FakeEngineOptions extends Omit<FakeOptions, "vocab" | "next"> {
  /** What the model says after `<|assistant|>`, as text or ids; then it ends. Absent: the fake backend's model. */
  readonly reply?: string | readonly number[];
  readonly pieces?: readonly string[];
  readonly template?: ChatTemplate | undefined;
  readonly sampling?: EngineInput["sampling"];
  readonly scheduler?: EngineInput["scheduler"];
  readonly tokenizer?: "missing";
  readonly replace?: EngineInput["replace"];
  readonly onBackendChange?: EngineInput["onBackendChange"];
}

export function fakeEngine(options: FakeEngineOptions = {}): {
  engine: Engine;
  backend: FakeBackend;
  ids: (text: string) => number[];
} {
  const { reply, pieces = [], sampling = {}, tokenizer, scheduler, template: _, ...others } = options;
  const { replace, onBackendChange, ...rest } = others;
  const template = "template" in options ? options.template : fakeTemplate;
  const real = fakeTokenizer(pieces);
  const script = typeof reply === "string" ? real.encode(reply) : reply;
  const vocab = TOKEN.firstPiece + pieces.length;
  const limits = { context: 256, ...rest.limits };
  const next = script && {
    next: (tokens: readonly number[]) => script[tokens.length - 1 - tokens.lastIndexOf(TOKEN.assistant)] ?? TOKEN.end,
  };
  const backend = new FakeBackend({ pages: [256, 256], ...rest, vocab, limits, ...next });
  const hasChatTemplate = template !== undefined;
  const engine = new Engine({
    backend,
    model: { name: "fake", architecture: "fake", vocab, hasChatTemplate },
    tokenizer() {
      if (tokenizer === "missing") throw new FennecError("tokenizer-missing", "fake: no tokenizer");
      return real;
    },
    template() {
      if (template) return template;
      throw new FennecError("no-chat-template", "fake: no template");
    },
    stopIds: new Set([TOKEN.end]),
    sampling,
    ...(scheduler && { scheduler }),
    ...(replace && { replace }),
    onBackendChange,
  });
  return { engine, backend, ids: (text) => real.encode(text, { special: true }) };
}
