// fennec logits: the numbers a model gives for tokens, raw, for comparisons with other programs.

import { writeFile } from "node:fs/promises";
import { FennecError } from "../errors";
import { type Command, usage } from "./command";
import type { Io } from "./io";
import { runOptions, withEngine } from "./model_file";

export const logits: Command = {
  name: "logits",
  summary: "Logits after the last token, as raw little-endian f32 of shape [rows, vocab].",
  model: true,
  options: {
    tokens: { value: "1,2,3", help: "token ids, used exactly as given" },
    prompt: { value: "P", help: "a text instead, with BOS as the file says" },
    all: { help: "a row for every token, not only the last" },
    chunk: { value: "N", help: "tokens per step, the backend's most at most; 1 feeds token by token" },
    ...runOptions,
    out: { value: "FILE", help: "where they go; - is stdout" },
  },
  async run(args, io) {
    const out = args.text("out");
    if (out === undefined) throw usage("name the file for the logits by --out FILE");
    const tokens = args.ids("tokens");
    const prompt = args.text("prompt");
    if ((tokens === undefined) === (prompt === undefined)) throw usage("give --tokens 1,2,3 or --prompt P");
    const chunk = args.integer("chunk", 1);
    // A token of text is at least a byte of it.
    const context = tokens?.length ?? new TextEncoder().encode(prompt).length + 8;
    await withEngine(args, io, { precision: "exact", context: Math.max(1, context) }, async (engine) => {
      const ids = tokens ?? engine.encodePrompt(prompt!);
      const { rows } = engine.backend.limits;
      if (chunk !== undefined && chunk > rows)
        io.note(`fennec logits: chunk is ${rows} tokens instead of ${chunk}: the backend takes no more in a step`);
      const values = await engine.logits(ids, {
        all: args.has("all"),
        signal: io.signal,
        ...(chunk !== undefined && { chunk }),
      });
      await write(out, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), io);
      if (out === "-" || !io.outIsTerminal) return;
      const { precision, kv } = engine.backend;
      io.note(
        `${out}: [${values.length / engine.model.vocab}, ${engine.model.vocab}] f32, ${precision}, keys and values in ${kv}`,
      );
    });
  },
};

async function write(out: string, data: Uint8Array, io: Io): Promise<void> {
  if (out === "-") return io.out(data);
  try {
    await writeFile(out, data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FennecError("source-unreadable", `${out}: cannot be written: ${reason}`, { cause: error });
  }
}
