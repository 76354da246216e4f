import fc from "fast-check";
import { expect, test } from "vitest";
import { StopStrings } from "../../../src/engine/stop_strings";

/** Feeds pieces until stopped; what came out, piece by piece. */
function feed(stops: readonly string[], pieces: readonly string[]): { out: string[]; stopped: boolean } {
  const matcher = new StopStrings(stops);
  const out: string[] = [];
  for (const piece of pieces) {
    const step = matcher.push(piece);
    out.push(step.text);
    if (step.stopped) return { out, stopped: true };
  }
  out.push(matcher.flush());
  return { out, stopped: false };
}

const cases = [
  { why: "in one piece", stops: ["END"], pieces: ["one END two"], out: ["one "], stopped: true },
  { why: "over three pieces", stops: ["END"], pieces: ["one E", "N", "D two"], out: ["one ", "", ""], stopped: true },
  { why: "a beginning that comes to nothing", stops: ["END"], pieces: ["E", "N", "x"], out: ["", "", "ENx", ""] },
  { why: "a beginning at the very end", stops: ["END"], pieces: ["one EN"], out: ["one ", "EN"] },
  { why: "a beginning inside a beginning", stops: ["aab"], pieces: ["aa", "ab"], out: ["", "a"], stopped: true },
  { why: "the first of two by place", stops: ["two", "one"], pieces: ["zero one two"], out: ["zero "], stopped: true },
  { why: "one stop inside another", stops: ["abcd", "bc"], pieces: ["ab", "c"], out: ["", "a"], stopped: true },
  {
    why: "characters beyond the basic plane",
    stops: ["🙂!"],
    pieces: ["a🙂", "?🙂", "!"],
    out: ["a", "🙂?", ""],
    stopped: true,
  },
  { why: "no stops", stops: [], pieces: ["a", "b"], out: ["a", "b", ""] },
];

test.each(cases)("$why", ({ stops, pieces, out, stopped = false }) => {
  expect(feed(stops, pieces)).toEqual({ out, stopped });
});

test("as if the whole text had been searched at once, however it is cut (property)", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 30 });
  const stop = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
      const { out, stopped } = feed(stops, pieces);
      const whole = pieces.join("");
      // Text up to where some stop string is first complete.
      const ends = stops.flatMap((s) => (whole.includes(s) ? [whole.indexOf(s) + s.length] : []));
      // Several may be complete within the same piece; the earliest place wins then.
      expect(stopped).toBe(ends.length > 0);
      expect(whole.startsWith(out.join(""))).toBe(true);
      for (const s of stops) expect(out.join("")).not.toContain(s);
      if (!stopped) expect(out.join("")).toBe(whole);
      else expect(stops.some((s) => whole.startsWith(s, out.join("").length))).toBe(true);
    }),
    { numRuns: 500, seed: 3 },
  );
});
