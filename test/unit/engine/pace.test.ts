// How many rows of a prompt a step gets, by what steps took before.

import { describe, expect, test } from "vitest";
import { PrefillPace } from "../../../src/engine/pace";

const GPU = { mostRows: 256, besideMs: 40, aloneMs: 100 };

describe("alone", () => {
  test("any number of rows where a step may take any time", () => {
    const pace = new PrefillPace({ mostRows: 256, besideMs: 40 });
    expect(pace.rows(false)).toBe(256);
    pace.measured(256, 10_000);
    expect(pace.rows(false)).toBe(256);
  });

  test.each([
    ["a fast GPU", 0.1, 256],
    ["one that computes 100 rows in the time", 1, 64],
    ["one so slow that the fewest rows take longer", 50, 32],
  ])("%s: the largest power of two within the time", (_, msPerRow, rows) => {
    const pace = new PrefillPace(GPU);
    expect(pace.rows(false)).toBe(64); // nothing is known yet
    pace.measured(64, 64 * msPerRow);
    expect(pace.rows(false)).toBe(rows);
  });

  test("a GPU that was busy with something else once gets its rows back", () => {
    const pace = new PrefillPace(GPU);
    pace.measured(64, 6400);
    expect(pace.rows(false)).toBe(32);
    for (let step = 0; step < 20; step++) pace.measured(32, 8);
    expect(pace.rows(false)).toBe(256);
  });
});

test("beside replies a step is shorter, but never under 16 rows", () => {
  const pace = new PrefillPace(GPU);
  pace.measured(64, 64);
  expect([pace.rows(true), pace.rows(false)]).toEqual([32, 64]);
  pace.measured(64, 64_000);
  expect([pace.rows(true), pace.rows(false)]).toEqual([16, 32]);
});

test("steps without prompt rows say nothing about prompts", () => {
  const pace = new PrefillPace(GPU);
  pace.measured(0, 5000);
  expect(pace.rows(false)).toBe(64);
});
