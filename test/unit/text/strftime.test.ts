import { expect, test } from "vitest";
import { strftime } from "../../../src/text/strftime";

const date = new Date(2026, 0, 5, 9, 7, 3);

test.each([
  ["Llama's", "%d %b %Y", "05 Jan 2026"],
  ["SmolLM's", "%d %B %Y", "05 January 2026"],
  ["ISO", "%Y-%m-%d", "2026-01-05"],
  ["the same in short", "%F %T", "2026-01-05 09:07:03"],
  ["weekdays", "%A %a", "Monday Mon"],
  ["twelve hours", "%I:%M %p", "09:07 AM"],
  ["without padding", "%-d/%-m %-H", "5/1 9"],
  ["day of the year", "%j %y", "005 26"],
  ["a percent sign", "100%%", "100%"],
  ["what is not known stays", "%Q %", "%Q %"],
])("%s", (_why, format, text) => expect(strftime(date, format)).toBe(text));
