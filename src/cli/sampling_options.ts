// The sampling options that `generate` and `chat` share.

import type { GenerateOptions } from "../engine/engine";
import type { Args, OptionSpec } from "./command";

export const samplingOptions = {
  "max-tokens": { value: "N", help: "tokens of the reply at most; default as many as the context holds" },
  temperature: { value: "T", help: "0 is greedy; default: what the file recommends, else 1" },
  "top-k": { value: "K", help: "keep the K most likely tokens; 0 keeps all" },
  "top-p": { value: "P", help: "keep the most likely tokens up to this share, above 0 to 1" },
  seed: { value: "S", help: "whole number; the same seed gives the same reply" },
} as const satisfies Record<string, OptionSpec>;

export function samplingOf(args: Args): GenerateOptions {
  const asked = {
    maxTokens: args.integer("max-tokens", 1),
    temperature: args.number("temperature"),
    topK: args.integer("top-k", 0),
    topP: args.number("top-p"),
    seed: args.integer("seed", Number.MIN_SAFE_INTEGER),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}
