// What a test says about a failure: it is a FennecError, with this code, and its message has these words.

import { expect } from "vitest";
import { type ErrorCode, FennecError } from "../../src/errors";

/** @returns The error, for more questions. Fails when nothing is thrown. */
export async function expectFennecError(
  attempt: () => Promise<unknown>,
  code: ErrorCode,
  ...words: readonly (string | RegExp)[]
): Promise<FennecError> {
  let thrown: unknown;
  try {
    await attempt();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, `expected a FennecError "${code}"`).toBeInstanceOf(FennecError);
  const error = thrown as FennecError;
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  for (const word of words) {
    if (typeof word === "string") expect(error.message).toContain(word);
    else expect(error.message).toMatch(word);
  }
  return error;
}
