// Names and values out of a stranger's file, made fit for one line of an error message.

import type { MetadataValue } from "./weights_file";

/** Enough for any real key or tensor name. */
const MAX_LENGTH = 80;

/** In quotes, cut to {@link MAX_LENGTH} characters, with control and invisible characters spelled out. */
export function quoted(name: string): string {
  const shown = name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}…` : name;
  const safe = shown.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (char) =>
    char === '"' || char === "\\" ? `\\${char}` : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
  return `"${safe}"`;
}

/** A value in a few words: never the whole of a long one. */
export function describeValue(value: MetadataValue): string {
  if (typeof value === "string") return `the string ${quoted(value)}`;
  if (typeof value === "object") return `an array of ${value.length}`;
  return String(value);
}
