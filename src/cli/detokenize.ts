// fennec detokenize: token ids to text.

import { tokenizerFromMetadata } from "../text/tokenizer";
import { type Command, usage } from "./command";
import { withHeader } from "./model_file";

export const detokenize: Command = {
  name: "detokenize",
  summary: "The text of token ids.",
  model: true,
  options: {
    ids: { value: "1,2,3", help: "the ids" },
    "skip-special": { help: "leave out special tokens" },
  },
  run: (args, io) =>
    withHeader(args, io, async (file) => {
      const ids = args.ids("ids");
      if (!ids) throw usage("give the token ids by --ids 1,2,3");
      const tokenizer = tokenizerFromMetadata(file.metadata);
      const outside = ids.find((id) => id >= tokenizer.vocabSize);
      if (outside !== undefined) {
        throw usage(`--ids has ${outside}; the file's tokens are 0 to ${tokenizer.vocabSize - 1}`);
      }
      const text = tokenizer.decode(ids, { skipSpecial: args.has("skip-special") });
      await io.out(io.outIsTerminal ? `${text}\n` : text);
    }),
};
