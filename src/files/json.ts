// JSON from strangers: parsed with a limit on its size, with every failure an error of ours, and typed access to what it
// holds. No schema: each reader asks for the fields it needs.

import { FennecError } from "../errors";
import { quoted } from "./quoted";
import type { ByteSource } from "./weights_file";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws FennecError `file-corrupt` when the source is larger than `maxBytes` or no JSON object; what it throws. */
export async function readJsonObject(source: ByteSource, maxBytes: number, signal?: AbortSignal): Promise<JsonObject> {
  return parseJsonObject(source.name, await readText(source, maxBytes, signal));
}

/** @throws FennecError `file-corrupt` when the source is larger than `maxBytes` or not UTF-8; what it throws. */
export async function readText(source: ByteSource, maxBytes: number, signal?: AbortSignal): Promise<string> {
  if (source.size > maxBytes) {
    throw new FennecError(
      "file-corrupt",
      `${source.name}: has ${source.size} bytes; at most ${maxBytes} are possible. It is not what its name says.`,
    );
  }
  return decodeUtf8(source.name, await source.read(0, source.size, signal));
}

export function decodeUtf8(name: string, bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new FennecError("file-corrupt", `${name}: is not UTF-8. The file is damaged.`, { cause: error });
  }
}

/** @throws FennecError `file-corrupt` for what is no JSON object (deep nesting that exhausts the stack included). */
export function parseJsonObject(name: string, text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new FennecError("file-corrupt", `${name}: is not JSON. The file is damaged, or not what its name says.`, {
      cause: error,
    });
  }
  if (isObject(value)) return value;
  throw new FennecError("file-corrupt", `${name}: is JSON, but no object with fields.`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field of the object itself, never of its prototype. */
export function field(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The object in a field, undefined for anything else. */
export function objectField(object: JsonObject, key: string): JsonObject | undefined {
  const value = field(object, key);
  return isObject(value) ? value : undefined;
}

/** Keys of the outermost object, as often as they are written: JSON.parse keeps only the last of equal ones. */
export function refuseDuplicateKeys(name: string, text: string): void {
  const seen = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    else if (char === '"') {
      const end = stringEnd(text, at);
      if (depth === 1 && followedByColon(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (seen.has(key)) throw new FennecError("file-corrupt", `${name}: names ${quoted(key)} twice.`);
        seen.add(key);
      }
      at = end - 1;
    }
  }
}

/** After the closing quote. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function followedByColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at += 1;
  return text[at] === ":";
}
