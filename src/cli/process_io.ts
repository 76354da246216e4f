// Io on this process: stdout, stderr, stdin, Ctrl-C, and readers that go away early (`fennec generate | head`).

import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { text } from "node:stream/consumers";
import type { Io } from "./io";

/** Exit code of a process that Ctrl-C ended: 128 + SIGINT. */
export const INTERRUPTED = 130;

export interface ProcessIo extends Io {
  readonly interrupted: boolean;
}

export function processIo(): ProcessIo {
  const { stdout, stderr, stdin } = process;
  const controller = new AbortController();
  let readerGone = false;
  let interrupted = false;
  let shown = false;
  let onInterrupt: (() => void) | undefined;
  let lines: AsyncIterator<string> | undefined;

  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
      stderr.write(`fennec: the output cannot be written: ${error.message}\n`);
      process.exit(1);
    }
    readerGone = true;
    controller.abort();
  });
  stderr.on("error", () => undefined);
  process.on("SIGINT", () => {
    if (onInterrupt) return onInterrupt();
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
    controller.abort();
  });

  const clear = (): void => {
    if (shown) stderr.write("\r\x1b[K");
    shown = false;
  };

  return {
    outIsTerminal: stdout.isTTY ?? false,
    signal: controller.signal,
    get readerGone() {
      return readerGone;
    },
    get interrupted() {
      return interrupted;
    },
    async out(data) {
      clear();
      if (readerGone) return;
      await new Promise<void>((resolve) => stdout.write(data, () => resolve()));
    },
    note(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    progress(line) {
      if (!stderr.isTTY) return;
      clear();
      if (line === undefined) return;
      stderr.write(line.slice(0, (stderr.columns || 80) - 1));
      shown = true;
    },
    async ask(prompt) {
      if (stdin.isTTY) return askTerminal(prompt);
      lines ??= createInterface({ input: stdin })[Symbol.asyncIterator]();
      const { done, value } = await lines.next();
      return done ? undefined : value;
    },
    readInput: () => text(stdin),
    async interruptible(work) {
      const inner = new AbortController();
      onInterrupt = () => inner.abort();
      try {
        return await work(AbortSignal.any([inner.signal, controller.signal]));
      } finally {
        onInterrupt = undefined;
      }
    },
  };
}

/** An interface per question: while a reply is made the terminal is not read, and Ctrl-C is a signal. */
async function askTerminal(prompt: string): Promise<string | undefined> {
  const terminal: Interface = createInterface({ input: process.stdin, output: process.stderr });
  let answer: string | undefined;
  terminal.question(prompt, (line) => {
    answer = line;
    terminal.close();
  });
  await once(terminal, "close"); // also after Ctrl-D and Ctrl-C
  if (answer === undefined) process.stderr.write("\n");
  return answer;
}
