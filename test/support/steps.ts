// Rows and results of step() for tests without an engine.

import type { Backend, Row, StepOutput } from "../../src/backends/backend";
import { TestPages } from "./pages";

interface RowOptions {
  readonly slot?: number;
  /** Position to begin at. */
  readonly from?: number;
  /** Of the last row; logits when absent. The others want nothing. */
  readonly want?: Row["want"];
}

export function rowsOf(tokens: readonly number[], { slot = 0, from = 0, want = "logits" }: RowOptions): Row[] {
  return tokens.slice(from).map((token, i): Row => {
    const position = from + i;
    return { slot, token, position, want: position === tokens.length - 1 ? want : "nothing" };
  });
}

/** Feeds a sequence from position `from` on in chunks. @returns The last step's outputs: logits after the last token. */
export async function feed(
  backend: Backend,
  tokens: readonly number[],
  options: { readonly slot?: number; readonly chunk: number; readonly pages?: TestPages; readonly from?: number },
): Promise<readonly StepOutput[]> {
  const { slot = 0, chunk, pages = new TestPages(backend), from = 0 } = options;
  let outputs: readonly StepOutput[] = [];
  for (let start = from; start < tokens.length; start += chunk) {
    const end = Math.min(start + chunk, tokens.length);
    const want = end === tokens.length ? "logits" : "nothing";
    const rows = rowsOf(tokens.slice(0, end), { slot, from: start, want });
    outputs = await backend.step({ rows, pages: pages.grow(slot, end) });
  }
  return outputs;
}

export function lastLogits(outputs: readonly StepOutput[]): Float32Array {
  const last = outputs.at(-1);
  if (last?.want !== "logits") throw new Error(`expected logits, got ${last?.want}`);
  return last.logits;
}

export function tokenOf(output: StepOutput): number {
  if (output.want !== "token") throw new Error(`expected a token, got ${output.want}`);
  return output.token;
}

export function generationOf(output: StepOutput): number {
  if (output.want !== "token") throw new Error(`expected a token, got ${output.want}`);
  return output.generation;
}
