// fennec chat: a conversation in the terminal. Lines in, replies out; an empty line or the end of the input ends it.

import type { ChatMessage } from "../engine/engine";
import { isFennecError } from "../errors";
import type { Command } from "./command";
import { reply } from "./generate";
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
      const messages: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
      for (;;) {
        const line = await io.ask("> ");
        if (line === undefined || io.signal.aborted) return;
        if (line.trim() === "") continue;
        messages.push({ role: "user", content: line });
        const prompt = engine.encodePrompt(messages);
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
        messages.push({ role: "assistant", content: text });
      }
    });
  },
};
