// Token ids with a meaning: beginning, end of text, end of turn, and all that end a reply. Needs only metadata, so that
// a file whose tokenizer cannot be run still stops where it should.
//
// Source of the texts and of their precedence: llama.cpp, src/llama-vocab.cpp, `llama_vocab::impl::load`.

import type { MetadataValue } from "../files/weights_file";

type Metadata = ReadonlyMap<string, MetadataValue>;

/** Ends of a turn, most specific first. The first that the vocabulary has is the file's, unless a key names another. */
const END_OF_TURN = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "<｜end▁of▁sentence｜>",
  "<end_of_utterance>",
] as const;

/** Further texts that end a reply wherever they are in a vocabulary. */
const END_OF_REPLY = new Set<string>([
  ...END_OF_TURN,
  "<|return|>",
  "<|call|>",
  "<|calls|>",
  "<|flush|>",
  "</s>",
  "<|eom_id|>",
  "[EOS]",
  "<eos>",
  "<turn|>",
  "<|tool_response>",
  "[e~[",
  // Fill-in-the-middle separators: after one of these a new file begins.
  "<|fim_pad|>",
  "<fim-pad>",
  "<fim_pad>",
  "<|fim_repo|>",
  "<|repo_name|>",
  "<fim-repo>",
  "<|file_sep|>",
]);

const STOP_KEYS = ["eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep"] as const;

export interface SpecialIds {
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly unknownId: number | undefined;
  /** Every id that ends a reply. Empty when the file names none. */
  readonly stopIds: ReadonlySet<number>;
}

/** What a file without these keys means. Source: as above, "default special tokens". */
const DEFAULTS: Readonly<Record<string, { readonly bos?: number; readonly eos?: number; readonly unknown?: number }>> =
  {
    llama: { bos: 1, eos: 2, unknown: 0 },
  };

/** @param tokens The vocabulary, when the file has one; without it only the ids that keys name are found. */
export function specialIds(metadata: Metadata, tokens: readonly string[] = []): SpecialIds {
  const defaults = tokens.length > 0 ? DEFAULTS[String(metadata.get("tokenizer.ggml.model"))] : undefined;
  return {
    bosId: idKey(metadata, "bos") ?? defaults?.bos,
    eosId: idKey(metadata, "eos") ?? defaults?.eos,
    unknownId: idKey(metadata, "unknown") ?? defaults?.unknown,
    stopIds: stopIds(metadata, tokens, defaults?.eos),
  };
}

export function endOfTurnId(metadata: Metadata, tokens: readonly string[]): number | undefined {
  const named = idKey(metadata, "eot");
  if (named !== undefined) return named;
  for (const text of END_OF_TURN) {
    const id = tokens.indexOf(text);
    if (id >= 0) return id;
  }
  return undefined;
}

function stopIds(metadata: Metadata, tokens: readonly string[], defaultEos: number | undefined): ReadonlySet<number> {
  const ids = new Set<number>();
  const byText = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (!END_OF_REPLY.has(token)) return;
    ids.add(id);
    byText.set(token, id);
  });
  withoutMessageEnds(ids, byText);
  for (const key of STOP_KEYS) {
    const id = idKey(metadata, key) ?? (key === "eos" ? defaultEos : undefined);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** Vocabularies in which a text that elsewhere ends a reply only ends a message inside it. */
function withoutMessageEnds(ids: Set<number>, byText: ReadonlyMap<string, number>): void {
  const has = (text: string): boolean => byText.has(text);
  const harmony = (has("<|return|>") && has("<|call|>")) || (has("<|calls|>") && has("<|flush|>"));
  if (harmony && has("<|end|>")) ids.delete(byText.get("<|end|>")!);
  if (has("<|tool_response>") && has("</s>")) ids.delete(byText.get("</s>")!);
}

function idKey(metadata: Metadata, name: string): number | undefined {
  const value = metadata.get(`tokenizer.ggml.${name}_token_id`);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}
