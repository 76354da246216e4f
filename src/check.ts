// Checks of what callers pass: one message for all, naming the field as the caller spells it, what came and what is
// allowed.

import { FennecError } from "./errors";

export function invalid(field: string, got: unknown, allowed: string): FennecError {
  return new FennecError("invalid-argument", `${field}: got ${show(got)}; allowed: ${allowed}.`);
}

/**
 * An object without other fields than those known: a misspelt option must not be ignored.
 * @param what What the object is called in messages.
 */
export function checkNames(what: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) throw invalid(what, given, "an object");
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || known.includes(name)) continue;
    const near = nearest(name, known);
    throw new FennecError(
      "invalid-argument",
      `${what}.${name.slice(0, 60)}: there is no such option${near ? `; did you mean ${near}?` : "."} Known: ${known.join(", ")}.`,
    );
  }
}

/** The known name with the fewest differing letters; undefined when most of them differ. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.slice(0, 60).toLowerCase().replaceAll("_", "");
  const distances = known.map((one) => distance(plain(name), plain(one)));
  const least = Math.min(...distances);
  return least <= name.length / 2 ? known[distances.indexOf(least)] : undefined;
}

/** Letters to insert, delete or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + Number(letter !== b[j])));
    row = next;
  }
  return row[b.length]!;
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
