import { expect, test } from "vitest";
import { specialSplitter } from "../../../src/text/special_splitter";

const splitter = specialSplitter(
  [
    ["  ", 1],
    ["    ", 2],
  ],
  [
    ["<s>", 10],
    ["<s>x", 11],
    ["s>", 12],
  ],
);

const cases: readonly (readonly [why: string, text: string, special: boolean, fragments: readonly object[]])[] = [
  ["plain text stays whole", "abc", true, [{ text: "abc" }]],
  ["no text, nothing", "", true, []],
  ["the longest at a place", "<s>x", true, [{ id: 11 }]],
  ["the leftmost before the longer one behind it", "a<s>", true, [{ text: "a" }, { id: 10 }]],
  ["a token that only begins", "<s", true, [{ text: "<s" }]],
  ["control tokens only on request", "<s>", false, [{ text: "<s>" }]],
  ["user-defined ones always", "a     b", false, [{ text: "a" }, { id: 2 }, { text: " b" }]],
  ["one after the other", "<s><s>", true, [{ id: 10 }, { id: 10 }]],
];

test.each(cases)("%s", (_why, text, special, fragments) => expect(splitter.split(text, special)).toEqual(fragments));
