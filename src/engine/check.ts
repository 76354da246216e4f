// Checks of what callers pass: one message for all, naming the field as the caller spells it, what came and what is
// allowed.

import { FennecError } from "../errors";

export function invalid(field: string, got: unknown, allowed: string): FennecError {
  return new FennecError("invalid-argument", `${field}: got ${show(got)}; allowed: ${allowed}.`);
}

/** A finite number in `[min, max]`. */
export function checkNumber(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw invalid(field, value, `a number from ${min} to ${max}`);
}

/** A whole number in `[min, max]`. */
export function checkInteger(field: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(
    field,
    value,
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min} on` : `whole numbers from ${min} to ${max}`,
  );
}

/** One string, or up to `most` of them; empty strings are refused. Null and undefined are none. */
export function checkStrings(field: string, value: unknown, most: number): readonly string[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > most) throw invalid(field, `${list.length} entries`, `at most ${most}`);
  return list.map((item) => {
    if (typeof item !== "string" || item === "") throw invalid(field, item, "non-empty strings");
    return item;
  });
}

/** Token ids in `[0, vocab)`, at least one. */
export function checkTokens(field: string, value: readonly unknown[], vocab: number): readonly number[] {
  if (value.length === 0) throw invalid(field, "no tokens", "at least one");
  return value.map((token, i) => checkInteger(`${field}[${i}]`, token, 0, vocab - 1));
}

/** A value in a few words. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return `an object (${Object.keys(value).slice(0, 5).join(", ")})`;
  return String(value);
}
