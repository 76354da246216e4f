// fennec generate: one reply to one prompt.

import type { FennecEngine } from "../api/surface";
import type { GenerateOptions } from "../engine/engine";
import { type Args, type Command, usage } from "./command";
import type { Io } from "./io";
import { checkChat, contextOption, runOptions, withEngine } from "./model_file";
import { samplingOf, samplingOptions } from "./sampling_options";

export const generate: Command = {
  name: "generate",
  summary: "The model's reply to a prompt, or with --raw its continuation.",
  model: true,
  options: {
    prompt: { value: "P", help: "the prompt; - is the input" },
    ...samplingOptions,
    raw: { help: "no chat template: continue the prompt, greedily unless sampling is asked for" },
    context: { value: "N", help: "longest prompt and reply together, tokens; default 4096" },
    ...runOptions,
  },
  async run(args, io) {
    const given = args.text("prompt");
    if (given === undefined) throw usage("give the prompt by --prompt P");
    const options = generateOptions(args);
    if (!args.has("raw")) await checkChat(args, io);
    const prompt = given === "-" ? await io.readInput() : given;
    await withEngine(args, io, contextOption(args), async (engine) => {
      const ids = engine.encodePrompt(args.has("raw") ? prompt : [{ role: "user", content: prompt }]);
      await reply(engine, ids, { ...options, signal: io.signal }, io);
    });
  },
};

function generateOptions(args: Args): GenerateOptions {
  const options = samplingOf(args);
  const sampled = ["temperature", "top-k", "top-p"].some((name) => args.has(name));
  if (!args.has("raw")) return options;
  return sampled ? { temperature: 1, ...options } : { ...options, temperature: 0 };
}

/** Prints a reply as it comes; on terminals with the end of the line and how fast it was. */
export async function reply(
  engine: FennecEngine,
  prompt: readonly number[],
  options: GenerateOptions,
  io: Io,
  onText?: (text: string) => void,
): Promise<void> {
  void engine.tokenizer; // a reply that nobody could read is an error, before it is made
  const generation = engine.generate(prompt, options);
  for await (const { text } of generation) {
    if (text === "") continue;
    onText?.(text);
    await io.out(text);
  }
  const { usage: tokens, timings } = await generation.result;
  if (io.outIsTerminal) {
    const speed = timings.decodeTokensPerSecond.toFixed(1);
    const first = Math.round(timings.timeToFirstTokenMs);
    await io.out("\n");
    io.note(`[${tokens.completion_tokens} tokens, ${speed} a second, the first after ${first} ms]`);
  }
}
