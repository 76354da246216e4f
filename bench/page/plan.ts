// In which order engines take their turns. One after the other in every round, and every second round backwards: what
// drifts while the page runs (heat, other programs) then meets all of them alike.

import type { TestName } from "./result";

export interface Turn {
  readonly round: number;
  readonly place: number;
  /** Index of the contender. */
  readonly contender: number;
  readonly test: TestName;
}

/** A B C, C B A, A B C, ...: prompts of a round first, then its replies in the same order. */
export function interleave(contenders: number, rounds: number): readonly Turn[] {
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const test of ["prompt", "reply"] as const) {
      for (let place = 0; place < contenders; place++) {
        turns.push({ round, place, test, contender: round % 2 === 0 ? place : contenders - 1 - place });
      }
    }
  }
  return turns;
}
