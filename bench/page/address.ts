// Settings in the page's address: `?gguf=models/a.gguf&onnx=models/a-onnx/&type=q8&cputype=fp32&engines=fennec-webgpu,wllama-cpu&run=1`.

import type { ModelFiles } from "./contender";
import type { RunSettings } from "./runner";

export interface Start {
  readonly files: ModelFiles;
  readonly settings: RunSettings;
  /** Engines by id; all when absent. */
  readonly engines: readonly string[] | undefined;
  /** Begin without being asked. */
  readonly run: boolean;
}

const DEFAULTS: RunSettings = { rounds: 5, promptTokens: 512, replyTokens: 128, threads: 1, memory: true };

/** Numbers that are none, or out of range, are the default. */
export function readAddress(url: URL): Start {
  const { searchParams } = url;
  const text = (name: string): string | undefined => searchParams.get(name) || undefined;
  const number = (name: string, fallback: number, most: number): number => {
    const value = Number(text(name) ?? fallback);
    return Number.isInteger(value) && value >= 1 && value <= most ? value : fallback;
  };
  const gguf = text("gguf");
  const onnx = text("onnx");
  const gpu = text("type");
  const cpu = text("cputype") ?? gpu;
  const model = text("mlc");
  const library = text("library");
  const sameWeights = searchParams.get("same") !== "0";
  return {
    files: {
      ...(gguf !== undefined && { gguf: absolute(gguf, url) }),
      ...(onnx !== undefined && { onnx: absolute(onnx, url), onnxHasSameWeights: sameWeights }),
      ...((gpu ?? cpu) !== undefined && { onnxTypes: { ...(gpu && { gpu }), ...(cpu && { cpu }) } }),
      ...(model !== undefined && { mlc: { model, ...(library !== undefined && { library, sameWeights }) } }),
    },
    settings: {
      rounds: number("rounds", DEFAULTS.rounds, 50),
      promptTokens: number("prompt", DEFAULTS.promptTokens, 65_536),
      replyTokens: number("reply", DEFAULTS.replyTokens, 8192),
      threads: number("threads", DEFAULTS.threads, 64),
      memory: searchParams.get("memory") !== "0",
    },
    engines: text("engines")?.split(","),
    run: searchParams.get("run") === "1",
  };
}

/** Paths are of the page's server; names on the hub stay as they are. */
function absolute(name: string, page: URL): string {
  return /^(\.|\/|models\/)/.test(name) ? new URL(name, page).href : name;
}
