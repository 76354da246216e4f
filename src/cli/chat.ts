// fennec chat: a conversation in the terminal. Lines in, replies out; an empty line does nothing, the end of the input
// ends it. When the context is full the oldest exchanges are left out.

import type { FennecEngine } from "../api/surface";
import type { ChatMessage } from "../engine/engine";
import { isFennecError } from "../errors";
import type { Command } from "./command";
import { reply } from "./generate";
import type { Io } from "./io";
import { checkChat, contextOption, runOptions, withEngine } from "./model_file";
import { samplingOf, samplingOptions } from "./sampling_options";

export const chat: Command = {
  name: "chat",
  summary: "A conversation in the terminal. Ctrl-C stops a reply, Ctrl-D ends the conversation.",
  model: true,
  options: {
    system: { value: "TEXT", help: "the system prompt" },
    ...samplingOptions,
    context: { value: "N", help: "longest conversation, tokens; default 4096" },
    ...runOptions,
  },
  async run(args, io) {
    const options = samplingOf(args);
    await checkChat(args, io);
    const system = args.text("system");
    await withEngine(args, io, contextOption(args), async (engine) => {
      const first: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
      let exchanges: ChatMessage[] = [];
      for (;;) {
        const line = await io.ask("> ");
        if (line === undefined || io.signal.aborted) return;
        if (line.trim() === "") continue;
        const asked = [...exchanges, { role: "user", content: line }];
        const fit = fitting(engine, first, asked, io);
        if (!fit) continue;
        const { prompt, kept } = fit;
        let text = "";
        try {
          await io.interruptible((signal) =>
            reply(engine, prompt, { ...options, signal }, io, (piece) => {
              text += piece;
            }),
          );
          if (!io.outIsTerminal) await io.out("\n");
        } catch (error) {
          if (!isFennecError(error) || error.code !== "aborted" || io.signal.aborted) throw error;
          await io.out("\n");
        }
        exchanges = [...kept, { role: "assistant", content: text }];
      }
    });
  },
};

/**
 * The prompt of a conversation with room for a token of the reply: all of it, or without its oldest exchanges (question
 * and reply), which is told. Undefined, and told, when the last question is too long by itself.
 *
 * @param first Never left out: the system prompt.
 */
function fitting(engine: FennecEngine, first: readonly ChatMessage[], asked: readonly ChatMessage[], io: Io) {
  const { context } = engine;
  for (let left = 0; left < asked.length; left += 2) {
    const kept = asked.slice(left);
    const prompt = engine.encodePrompt([...first, ...kept]);
    if (prompt.length >= context) continue;
    if (left > 0)
      io.note(`context-full: ${context} tokens. Exchanges left out from here on, the oldest first: ${left / 2}.`);
    return { prompt, kept };
  }
  io.note(`context-full: this message is too long for ${context} tokens and is taken back. --context N holds more.`);
  return undefined;
}
