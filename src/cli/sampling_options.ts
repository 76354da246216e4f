// The sampling options that `generate` and `chat` share.

import type { GenerateOptions } from "../engine/engine";
import { samplerSettings } from "../engine/sampling";
import type { Args, OptionSpec } from "./command";

export const samplingOptions = {
  "max-tokens": { value: "N", help: "tokens of the reply at most; default as many as the context holds" },
  temperature: { value: "T", help: "0 is greedy; default: what the file recommends, else 1" },
  "top-k": { value: "K", help: "keep the K most likely tokens; 0 keeps all" },
  "top-p": { value: "P", help: "keep the most likely tokens up to this share, above 0 to 1" },
  seed: { value: "S", help: "whole number; the same seed gives the same reply" },
} as const satisfies Record<string, OptionSpec>;

/** @throws FennecError `invalid-argument`, before a model is loaded for nothing. */
export function samplingOf(args: Args): GenerateOptions {
  const given = {
    maxTokens: args.integer("max-tokens", 1),
    temperature: args.number("temperature"),
    topK: args.integer("top-k", 0),
    topP: args.number("top-p"),
    seed: args.integer("seed", Number.MIN_SAFE_INTEGER),
  };
  const asked: GenerateOptions = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const option = (field: string): string => `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  samplerSettings(asked, {}, Number.MAX_SAFE_INTEGER, option);
  return asked;
}
