// Values of @huggingface/jinja, seen from outside: the package does not export their classes, so they are told apart by
// what they hold.

import type { Interpreter } from "@huggingface/jinja";

export type TemplateValue = ReturnType<Interpreter["evaluate"]>;
export type TemplateNode = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;

export const textOf = (value: TemplateValue): string | undefined =>
  typeof value.value === "string" ? value.value : undefined;

/** Elements of a list, tuple, dictionary or namespace; undefined for anything else. */
export function childrenOf(value: TemplateValue): readonly TemplateValue[] | undefined {
  if (Array.isArray(value.value)) return value.value;
  return value.value instanceof Map ? [...value.value.values()] : undefined;
}

/** Elements of a list or dictionary, characters of a text, 0 for anything else. */
export function lengthOf(value: TemplateValue): number {
  const held: unknown = value.value;
  if (typeof held === "string" || Array.isArray(held)) return held.length;
  return held instanceof Map ? held.size : 0;
}

/**
 * Characters that a value has when written out, about; lists shared between lists count each time they are reached, as
 * they do in writing. Remembered per value: only namespaces can change, and they are measured anew.
 */
export function writtenSizes(): (value: TemplateValue) => number {
  const known = new WeakMap<TemplateValue, number>();
  const measure = (value: TemplateValue): number => {
    const held: unknown = value.value;
    if (typeof held === "string") return held.length + 2;
    const children = childrenOf(value);
    if (!children) return 8;
    const before = known.get(value);
    if (before !== undefined) return before;
    known.set(value, Number.POSITIVE_INFINITY); // a namespace that holds itself
    let size = 2;
    for (const child of children) size += measure(child) + 2;
    if (held instanceof Map) for (const key of held.keys()) size += String(key).length + 4;
    if (value.type === "NamespaceValue") known.delete(value);
    else known.set(value, size);
    return size;
  };
  return measure;
}
