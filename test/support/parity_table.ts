// The whole models that every backend is compared on. One line per file.

import type { FixtureFolder } from "./files";

export interface ParityCase {
  /** Of the fixture, without extension. */
  readonly path: string;
  readonly folder: FixtureFolder;
}

/**
 * In the repository: random weights in which every block matters, so that a wrong operation shows at once; and the
 * built-in model.
 */
export const ownFixtures: readonly ParityCase[] = [
  "nano/llama-nano-F32",
  "nano/qwen2-nano-F16",
  "nano/qwen3-nano-F32",
  "nano/gemma3-nano-F16",
  "builtin/fennec-builtin",
].map((path) => ({ path, folder: "repository" }));

/** Outside: really trained models, in several weight types. */
export const trainedFixtures: readonly ParityCase[] = [
  "third-party/stories260K/stories260K-F32",
  "third-party/stories260K/stories260K-F16",
  "third-party/stories260K/stories260K-Q8_0", // and F16 where rows of 172 are no multiple of a block
  "third-party/stories260K/stories260K-Q4_0",
  "trained/qwen3-stories-F16",
  "trained/qwen3-stories-Q8_0",
  "trained/qwen3-stories-Q4_0",
  "trained/qwen3-stories-Q4_K_M", // Q4_K and Q6_K in one file
  "trained/qwen3-stories-Q6_K",
  "trained/gemma3-stories-F16",
  "trained/gemma3-stories-Q8_0",
  "trained/gemma3-stories-Q4_0",
  "trained/gemma3-stories-Q4_K_M",
].map((path) => ({ path, folder: "external" }));

/** The published 240-token text of stories260K, which F32 and F16 give and smaller types do not. */
export const storyFixtures = ["stories260K-F32", "stories260K-F16"].map((name) => `third-party/stories260K/${name}`);
export const storyPath = "third-party/stories260K/greedy";
