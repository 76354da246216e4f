// What rendering a chat template may cost. Templates come from strangers' files: a loop over range(1e9), a text doubled
// forty times or a macro that calls itself must end with an error, soon and with little memory, on the thread that
// renders. So work is counted, and each value is measured before anything is done with it.

import { FennecError } from "../errors";

/**
 * Units of work for one rendering. A unit is an expression evaluated, an element made, or 16 to 256 characters handled,
 * a third of a microsecond or so. The longest real conversations (1,000 messages) take less than 500,000.
 */
export const MAX_WORK = 5_000_000;

/** Units for one turn of a loop or one call: the package makes scopes and a dozen values for each. */
export const LOOP_WORK = 40;

/** Units for what the package finds out by throwing: a variable that is not there, `break`, `continue`. */
export const EXCEPTION_WORK = 40;

/** Longest text a template may make, its output included; UTF-16 units. A context of a million tokens has about as many. */
export const MAX_TEXT = 1 << 22;

/** Expressions within expressions, macros within macros. Real templates stay under 100. */
export const MAX_DEPTH = 800;

/** Backstop of the work count. Checked every few thousand units, so that it does not matter in ordinary use. */
export const MAX_SECONDS = 10;

export interface TemplateBudget {
  /** @throws FennecError `template-failed` when the work is more than is left. */
  spend(units: number): void;
  /** @throws FennecError `template-failed` when a text of this length may not be made. */
  allowText(length: number): void;
  readonly depth: number;
  enter(): void;
  leave(): void;
}

export function templateBudget(): TemplateBudget {
  const deadline = performance.now() + MAX_SECONDS * 1000;
  let work = 0;
  let nextClock = 0;
  let depth = 0;
  return {
    spend(units) {
      work += units;
      if (work > MAX_WORK) throw tooMuch(`does more work than ${MAX_WORK} steps`);
      if (work < nextClock) return;
      nextClock = work + 4096;
      if (performance.now() > deadline) throw tooMuch(`runs longer than ${MAX_SECONDS} seconds`);
    },
    allowText(length) {
      if (length > MAX_TEXT) throw tooMuch(`makes a text longer than ${MAX_TEXT} characters`);
    },
    get depth() {
      return depth;
    },
    enter() {
      if (++depth > MAX_DEPTH) throw tooMuch(`nests deeper than ${MAX_DEPTH} levels`);
    },
    leave() {
      depth--;
    },
  };
}

function tooMuch(what: string): FennecError {
  return new FennecError(
    "template-failed",
    `The chat template ${what}. It is damaged or hostile, or the conversation is far too long; ` +
      "shorten the messages, or pass a template of your own.",
  );
}
