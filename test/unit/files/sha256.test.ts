// SHA-256 against the platform's, across every block border and cut.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sha256 } from "../../../src/files/sha256";
import { random32 } from "../../support/random_weights";

const next = random32(3);
const bytes = Uint8Array.from({ length: 100_000 }, () => next());
const expected = (part: Uint8Array) => createHash("sha256").update(part).digest("hex");

test("every length from 0 to 300: all paddings, one and two blocks", () => {
  for (let length = 0; length <= 300; length++) {
    const hash = sha256();
    hash.update(bytes.subarray(0, length));
    expect(hash.hex(), `${length} bytes`).toBe(expected(bytes.subarray(0, length)));
  }
});

test.each([1, 3, 63, 64, 65, 127, 128, 4097])("in pieces of %i bytes", (size) => {
  const hash = sha256();
  for (let at = 0; at < bytes.length; at += size) hash.update(bytes.subarray(at, at + size));
  expect(hash.hex()).toBe(expected(bytes));
});

test("the standard's own example", () => {
  const hash = sha256();
  hash.update(new TextEncoder().encode("abc"));
  expect(hash.hex()).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
