// One step in the making: rows of several sequences, with the changes of their page tables.

import { LAST_TOKEN, type PageWrite, type Row, type StepBatch } from "../backends/backend";
import type { Seat } from "./job";
import type { PageCopy } from "./sequence";

export class BatchPlan {
  readonly rows: Row[] = [];
  outputs = 0;
  prefillRows = 0;
  readonly #pages: PageWrite[] = [];
  readonly #copies: PageCopy[] = [];

  addPrompt(seat: Seat, count: number): void {
    const { sequence, slot, promptTokens } = seat;
    this.#addChanges(seat);
    for (let i = 0; i < count; i++) {
      const position = sequence.submitted++;
      const want = sequence.submitted === promptTokens ? "token" : "nothing";
      if (want === "token") this.outputs += 1;
      this.rows.push({ slot, token: sequence.tokens[position]!, position, want });
    }
    this.prefillRows += count;
  }

  addDecode(seat: Seat): void {
    this.#addChanges(seat);
    this.outputs += 1;
    this.rows.push({ slot: seat.slot, token: LAST_TOKEN, position: seat.sequence.submitted++, want: "token" });
  }

  batch(): StepBatch {
    return {
      rows: this.rows,
      ...(this.#pages.length > 0 && { pages: this.#pages }),
      ...(this.#copies.length > 0 && { pageCopies: this.#copies }),
    };
  }

  #addChanges({ sequence, slot }: Seat): void {
    const { changes, copies } = sequence.takeChanges();
    for (const change of changes) this.#pages.push({ ...change, slot });
    this.#copies.push(...copies);
  }
}
