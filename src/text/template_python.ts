// Where @huggingface/jinja 0.5 differs from Python's jinja2 and real templates notice. Each entry here names what needs
// it; an entry goes when the package behaves (its own tests in test/unit/text/template_python.test.ts then still pass).

import type { TemplateValue } from "./template_values";

/**
 * `strip`, `lstrip`, `rstrip` with the characters to take away, which the package ignores. Needed by Qwen's reasoning
 * templates: `content.lstrip('\n')` must keep leading spaces.
 */
export function stripText(text: string, method: string, characters: string): string {
  const drop = new Set(characters);
  let start = 0;
  let end = text.length;
  if (method !== "rstrip") {
    for (let next = characterAt(text, start); drop.has(next); next = characterAt(text, start)) start += next.length;
  }
  if (method !== "lstrip") {
    for (let last = characterBefore(text, end); end > start && drop.has(last); last = characterBefore(text, end)) {
      end -= last.length;
    }
  }
  return text.slice(start, end);
}

function characterAt(text: string, at: number): string {
  return at < text.length ? String.fromCodePoint(text.codePointAt(at)!) : "";
}

function characterBefore(text: string, end: number): string {
  const pair = text.slice(Math.max(0, end - 2), end);
  return pair.codePointAt(0)! > 0xffff ? pair : pair.slice(-1);
}

export const isStripMethod = (name: unknown): name is string =>
  name === "strip" || name === "lstrip" || name === "rstrip";

const TEXT_FILTERS = new Set(["trim", "upper", "lower", "title", "capitalize", "replace", "indent", "string"]);
const LIST_FILTERS = new Set(["selectattr", "rejectattr", "map"]);

/**
 * What stands in for an operand that is not there: jinja2 writes an undefined value as no text (Hermes: `x | trim`), and
 * its selecting filters take None for an empty list (Functionary: `tools | selectattr(...)`).
 */
export function standIn(filter: string, operand: TemplateValue): "" | readonly never[] | undefined {
  const undefinedValue = operand.type === "UndefinedValue";
  if (undefinedValue && TEXT_FILTERS.has(filter)) return "";
  if ((undefinedValue || operand.type === "NullValue") && LIST_FILTERS.has(filter)) return [];
  return undefined;
}

/** The filters `min` and `max`, which the package lacks (MiniCPM). Undefined when it is neither. */
export function extremum(filter: string, operand: TemplateValue): TemplateValue | undefined {
  if ((filter !== "min" && filter !== "max") || !Array.isArray(operand.value)) return undefined;
  const items: readonly TemplateValue[] = operand.value;
  const sign = filter === "min" ? 1 : -1;
  return items.reduce<TemplateValue | undefined>((best, item) => {
    if (!best) return item;
    const [a, b] = [item.value, best.value];
    if (typeof a !== typeof b || (typeof a !== "number" && typeof a !== "string")) {
      throw new Error(`${filter} compares numbers with numbers, or texts with texts`);
    }
    return (a < (b as typeof a) ? -1 : a > (b as typeof a) ? 1 : 0) * sign < 0 ? item : best;
  }, undefined);
}
