// How byte-level BPE vocabularies cut text into words before merging: `tokenizer.ggml.pre` to regular expressions, which
// are applied one after the other, each to the pieces the one before left; matches and what lies between become pieces.
//
// Source of names and expressions: llama.cpp, src/llama-vocab.cpp (`llm_tokenizer_bpe` and `llama_vocab::impl::load`);
// where that file quotes the model's original expression beside a rewritten one, the original is used.
// Not here, and refused by name: kimi-k2, afmoe, youtu, chameleon, superbpe, tiny_aya, deepseek-llm (rules beyond a
// regular expression, or too rare to be worth one that no test pins).

export interface PreTokenizer {
  readonly patterns: readonly string[];
  /** A whole word that is in the vocabulary is one token, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** What `add_bos` is when the file does not say. */
  readonly addBos: boolean;
}

const CONTRACTION = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const PUNCTUATION = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
const WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
const CASED_WORD =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+SUFFIX|" +
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*SUFFIX";
const ASCII_PUNCTUATION = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]";

const llama3 = [`${CONTRACTION}|${WORD}|\\p{N}{1,3}|${PUNCTUATION}|${SPACES}`];
const qwen2 = [`${CONTRACTION}|${WORD}|\\p{N}|${PUNCTUATION}|${SPACES}`];
const qwen35 = [
  `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`,
];
const gpt2 = [GPT2];
const digitsThenGpt2 = ["\\p{N}", GPT2];
const gpt4o = [
  `${CASED_WORD.replaceAll("SUFFIX", `${CONTRACTION}?`)}|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`,
];
const tekken = [`${CASED_WORD.replaceAll("SUFFIX", "")}|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`];
const deepseek3 = [
  "\\p{N}{1,3}",
  "[一-龥\\u3040-ゟ゠-ヿ]+",
  `${ASCII_PUNCTUATION}[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${SPACES}`,
];
const deepseekCoder = ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥\\u0800-一가-\\ud7ff]+", "\\p{N}"];
const falcon = ["[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"];
const bloom = [" ?[^(\\s|.,!?…。，、।۔،)]+"];
const bailing = [
  `'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|${WORD}|\\p{N}|${PUNCTUATION}|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`,
];
const seedCoder = [`${CONTRACTION}|${WORD}|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${SPACES}`];
const minicpm5 = ["\\p{N}{1,3}", `${CONTRACTION}|${WORD}|\\p{N}+|${PUNCTUATION}|${SPACES}`];
const jais2 = [
  `${CONTRACTION}|${WORD}|\\p{N}{1,3}|${PUNCTUATION}|\\s*[\\r\\n]+|` +
    `${[512, 256, 128, 64, 32, 16, 8, 4].map((n) => `\\s{${n}}(?!\\S)`).join("|")}|\\s{1,2}(?!\\S)|\\s{1}`,
];
const exaoneMoe = [
  `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|` +
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
];
const fallback = ["[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"];

const plain = (patterns: readonly string[]): PreTokenizer => ({ patterns, ignoreMerges: false, addBos: false });

const NAMES: readonly (readonly [names: string, PreTokenizer])[] = [
  ["default", plain(fallback)],
  [
    "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
    { patterns: llama3, ignoreMerges: true, addBos: true },
  ],
  ["dbrx smaug-bpe glm4 chatglm-bpe", plain(llama3)],
  ["tekken", { patterns: tekken, ignoreMerges: true, addBos: true }],
  ["minicpm5", { patterns: minicpm5, ignoreMerges: true, addBos: false }],
  ["qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2", plain(qwen2)],
  ["qwen35", plain(qwen35)],
  [
    "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert mpt olmo jais trillion " +
      "granite-docling exaone4",
    plain(gpt2),
  ],
  ["starcoder refact command-r smollm codeshell exaone minerva-7b mellum2", plain(digitsThenGpt2)],
  ["gpt-4o llama4 kanana2 talkie minimax-m2", plain(gpt4o)],
  ["deepseek-v3 hunyuan-dense joyai-llm hy_v4", plain(deepseek3)],
  ["deepseek-coder", plain(deepseekCoder)],
  ["falcon", plain(falcon)],
  ["bloom poro-chat gpt3-finnish", plain(bloom)],
  ["viking", plain([...bloom, "\\p{N}"])],
  ["bailingmoe bailingmoe2 llada-moe", plain(bailing)],
  ["seed-coder", plain(seedCoder)],
  ["jais-2", plain(jais2)],
  ["exaone-moe", plain(exaoneMoe)],
];

/** Known values of `tokenizer.ggml.pre`. A file without the key means `default`. */
export const preTokenizers: ReadonlyMap<string, PreTokenizer> = new Map(
  NAMES.flatMap(([names, pre]) => names.split(" ").map((name) => [name, pre] as const)),
);
