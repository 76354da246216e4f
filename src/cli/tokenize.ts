// fennec tokenize: text to token ids.

import { readFile } from "node:fs/promises";
import { FennecError } from "../errors";
import { tokenizerFromMetadata } from "../text/tokenizer";
import { type Args, type Command, usage } from "./command";
import type { Io } from "./io";
import { withHeader } from "./model_file";

export const tokenize: Command = {
  name: "tokenize",
  summary: "The token ids of a text.",
  model: true,
  options: {
    text: { value: "T", help: "the text" },
    file: { value: "F", help: "a file with the text; - is the input" },
    special: { help: "special tokens in the text are special; BOS and EOS as the file says" },
    json: { help: "as a JSON array" },
  },
  run: (args, io) =>
    withHeader(args, io, async (file) => {
      const tokenizer = tokenizerFromMetadata(file.metadata);
      const special = args.has("special");
      const ids = tokenizer.encode(await textOf(args, io), { special, bos: special, eos: special });
      await io.out(`${args.has("json") ? JSON.stringify(ids) : ids.join(" ")}\n`);
    }),
};

async function textOf(args: Args, io: Io): Promise<string> {
  const text = args.text("text");
  const file = args.text("file");
  if ((text === undefined) === (file === undefined)) throw usage("give the text by --text or by --file");
  if (text !== undefined) return text;
  if (file === "-") return io.readInput();
  try {
    return await readFile(file!, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FennecError("source-unreadable", `${file}: cannot be read: ${reason}`, { cause: error });
  }
}
