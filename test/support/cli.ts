// Runs commands of the command line in this process and keeps what they wrote.

import type { Io } from "../../src/cli/io";
import { main } from "../../src/cli/main";
import { registerNode } from "../../src/node/register";

export interface CliRun {
  readonly code: number;
  /** Bytes on stdout, in order. */
  readonly bytes: Uint8Array;
  readonly out: string;
  /** Lines on stderr; progress is not among them. */
  readonly notes: readonly string[];
}

export interface CliInput {
  /** Lines that `ask` gives out; then the input ends. */
  readonly lines?: readonly string[];
  readonly terminal?: boolean;
  readonly signal?: AbortSignal;
  readonly readerGone?: boolean;
  /** Called before data is written. */
  readonly onOut?: (data: string) => void;
}

export async function runCli(argv: readonly string[], input: CliInput = {}): Promise<CliRun> {
  registerNode();
  const written: Buffer[] = [];
  const notes: string[] = [];
  const lines = [...(input.lines ?? [])];
  const { signal = new AbortController().signal } = input;
  const io: Io = {
    async out(data) {
      input.onOut?.(String(data));
      written.push(Buffer.from(data));
    },
    note: (line) => notes.push(line),
    progress: () => undefined,
    outIsTerminal: input.terminal ?? false,
    signal,
    readerGone: input.readerGone ?? false,
    ask: async () => lines.shift(),
    readInput: async () => lines.splice(0).join("\n"),
    interruptible: (work) => work(signal),
  };
  const code = await main(argv, io);
  const bytes = Buffer.concat(written);
  return { code, bytes: new Uint8Array(bytes), out: bytes.toString(), notes };
}
