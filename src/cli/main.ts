// The table of commands, help, and what an error becomes: one line and an exit code.

import { isFennecError } from "../errors";
import { bench } from "./bench";
import { chat } from "./chat";
import { type Command, commandHelp, readArgs, table } from "./command";
import { detokenize } from "./detokenize";
import { doctor } from "./doctor";
import { exportOnnx } from "./export_onnx";
import { generate } from "./generate";
import { inspect } from "./inspect";
import type { Io } from "./io";
import { logits } from "./logits";
import { packageVersion } from "./package_root";
import { perplexity } from "./perplexity";
import { quantize } from "./quantize";
import { tokenize } from "./tokenize";

export const commands: readonly Command[] = [
  inspect,
  tokenize,
  detokenize,
  logits,
  generate,
  chat,
  perplexity,
  quantize,
  exportOnnx,
  bench,
  doctor,
];

/** Exit codes. */
export const OK = 0;
export const FAILED = 1;
/** The arguments make no sense. */
export const MISUSED = 2;

/** Runs one call. Never throws; what goes wrong is one line on stderr, with the stack when FENNEC_DEBUG is set. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const about = commands.find((command) => command.name === rest[0]);
    await io.out(about ? commandHelp(about) : help());
    return name === undefined ? MISUSED : OK;
  }
  if (name === "--version" || name === "-v") {
    await io.out(`${packageVersion()}\n`);
    return OK;
  }
  const command = commands.find((one) => one.name === name);
  if (!command) {
    io.note(`fennec: there is no command "${name}"; see fennec --help`);
    return MISUSED;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    await io.out(commandHelp(command));
    return OK;
  }
  try {
    await command.run(readArgs(command, rest), io);
    io.progress(undefined);
    return OK;
  } catch (error) {
    io.progress(undefined);
    if (io.readerGone) return OK;
    return explain(command, error, io);
  }
}

function explain(command: Command, error: unknown, io: Io): number {
  const misuse = isFennecError(error) && error.code === "invalid-argument";
  const message = error instanceof Error ? error.message : String(error);
  const line = message.replace(/\s*\n\s*/g, " ");
  const kind = isFennecError(error) ? "" : "unexpected error, please report it: ";
  io.note(`fennec ${command.name}: ${kind}${line}${misuse ? ` (see fennec ${command.name} --help)` : ""}`);
  if (process.env.FENNEC_DEBUG && error instanceof Error) io.note(stackOf(error));
  return misuse ? MISUSED : FAILED;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

function help(): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `Usage: fennec COMMAND [MODEL] [options]\n\n${table(rows)}\nfennec COMMAND --help tells more. MODEL is a path, a URL, hf:owner/repo/file.gguf, or builtin.\n`;
}
