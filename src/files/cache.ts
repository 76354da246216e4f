// What downloads are kept in: named pieces of bytes in OPFS, in the Cache API or in a folder, and on top of them
// entries, one per URL: a manifest and the file in parts. Filling an entry is download.ts, reading it cached_source.ts.

import { FennecError } from "../errors";
import { sha256 } from "./sha256";
import { reasonOf } from "./source_util";

/**
 * A place for named pieces of bytes. Names hold only `a-z 0-9 . -`. Implementations: opfs_cache.ts, cache_api_cache.ts,
 * node_cache.ts; one suite of tests serves all.
 */
export interface CacheStore {
  readonly kind: "opfs" | "cache-api" | "folder" | "memory";
  names(): Promise<readonly string[]>;
  /** Undefined when there is no such piece. */
  size(name: string): Promise<number | undefined>;
  /** Exactly this range. @throws FennecError `source-unreadable` when it is not there. */
  read(name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Replaces a piece; after a crash the old or the new one is there. `bytes` are the caller's again afterwards. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Quietly does nothing when there is no such piece. */
  remove(name: string): Promise<void>;
  /**
   * Runs `work` while no other user of this store (other tabs too, where the platform can) works under the same name.
   * @param waiting Called when somebody else is at it.
   */
  exclusively<T>(name: string, work: () => Promise<T>, waiting?: () => void, signal?: AbortSignal): Promise<T>;
  space(): Promise<StorageSpace>;
}

/** Bytes; undefined where the platform does not tell. */
export interface StorageSpace {
  readonly free?: number;
  readonly quota?: number;
}

/** What stands in an entry's manifest, as JSON. */
export interface Manifest {
  readonly url: string;
  /** Of the whole file. Undefined while a server that does not say is being read. */
  readonly size?: number;
  readonly etag?: string;
  readonly lastModified?: string;
  /** What the source promises, lower-case hex. */
  readonly sha256?: string;
  /** Prefix of the parts' names: another version of the file has other parts. */
  readonly parts: string;
  readonly partBytes: number;
  /** All parts are there and their hash was right, where one was promised. */
  readonly complete: boolean;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/** An entry, for lists that people see. */
export interface CachedFile {
  readonly url: string;
  /** Bytes stored. Less than `size` for a download that was cut short: it goes on where it stopped. */
  readonly bytes: number;
  readonly size?: number;
  readonly complete: boolean;
  readonly savedAt: number;
}

/** The name of a URL's entry. The fragment does not count. */
export function entryName(url: URL): string {
  return shortHash(url.href.replace(/#.*$/, ""));
}

/** The prefix of the parts of one version of a file; a new one each time when nothing tells versions apart. */
export function partsPrefix(entry: string, version: string): string {
  return `${entry}-${shortHash(version || crypto.randomUUID()).slice(0, 12)}`;
}

export function partName(prefix: string, index: number): string {
  return `${prefix}.${String(index).padStart(5, "0")}`;
}

/** Undefined when there is none, or none that makes sense: a store is the user's to damage. */
export async function readManifest(store: CacheStore, entry: string): Promise<Manifest | undefined> {
  const name = manifestName(entry);
  const size = await store.size(name);
  if (size === undefined || size > MAX_MANIFEST_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await store.read(name, 0, size)));
    return isManifest(value) && value.parts.startsWith(`${entry}-`) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function writeManifest(store: CacheStore, entry: string, manifest: Manifest): Promise<void> {
  await store.write(manifestName(entry), new TextEncoder().encode(JSON.stringify(manifest)));
}

/** Deletes an entry's parts, except those with the prefix `keep`. */
export async function removeParts(store: CacheStore, entry: string, keep?: string): Promise<void> {
  for (const name of await store.names()) {
    if (name.startsWith(`${entry}-`) && !(keep && name.startsWith(`${keep}.`))) await store.remove(name);
  }
}

/** What the store holds, newest first. */
export async function listCached(store: CacheStore): Promise<readonly CachedFile[]> {
  const names = await store.names();
  const files: CachedFile[] = [];
  for (const name of names.filter((name) => name.endsWith(MANIFEST_SUFFIX))) {
    const manifest = await readManifest(store, name.slice(0, -MANIFEST_SUFFIX.length));
    if (!manifest) continue;
    let bytes = 0;
    for (const part of names) if (part.startsWith(`${manifest.parts}.`)) bytes += (await store.size(part)) ?? 0;
    const { url, size, complete, savedAt } = manifest;
    files.push({ url, bytes, complete, savedAt, ...(size === undefined ? {} : { size }) });
  }
  return files.sort((a, b) => b.savedAt - a.savedAt);
}

/** Deletes what is stored for a URL, complete or not. Waits for a download of it that is under way. */
export async function deleteCached(store: CacheStore, url: URL, signal?: AbortSignal): Promise<void> {
  const entry = entryName(url);
  await store.exclusively(
    entry,
    async () => {
      await store.remove(manifestName(entry));
      await removeParts(store, entry);
    },
    undefined,
    signal,
  );
}

/** Turns what a full disk or a browser's quota throws into `quota-exceeded` with the numbers; others pass as they are. */
export async function storageError(store: CacheStore, name: string, needed: number, error: unknown): Promise<unknown> {
  if (!isFull(error)) return error;
  return quotaExceeded(name, needed, await store.space(), error);
}

export function quotaExceeded(name: string, needed: number, space: StorageSpace, cause?: unknown): FennecError {
  const free = space.free === undefined ? "" : `, ${space.free} are free`;
  const quota = space.quota === undefined ? "" : ` of ${space.quota} allowed`;
  return new FennecError(
    "quota-exceeded",
    `${name}: keeping it needs ${needed} more bytes${free}${quota}. Delete stored models, free disk space, ` +
      `or load without keeping it.` +
      (cause === undefined ? "" : ` (${reasonOf(cause)})`),
    cause === undefined ? undefined : { cause },
  );
}

function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return error.name === "QuotaExceededError" || code === "ENOSPC" || code === "EDQUOT";
}

const MANIFEST_SUFFIX = ".json";
const MAX_MANIFEST_BYTES = 64 << 10;

function manifestName(entry: string): string {
  return entry + MANIFEST_SUFFIX;
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const m = value as Partial<Record<keyof Manifest, unknown>>;
  const texts = [m.etag, m.lastModified, m.sha256].every((text) => text === undefined || typeof text === "string");
  const size = m.size === undefined ? m.complete === false : Number.isSafeInteger(m.size) && Number(m.size) >= 0;
  const partBytes = Number.isSafeInteger(m.partBytes) && Number(m.partBytes) > 0;
  const rest = typeof m.url === "string" && typeof m.parts === "string" && typeof m.complete === "boolean";
  return texts && size && partBytes && rest && typeof m.savedAt === "number";
}

function shortHash(text: string): string {
  const hash = sha256();
  hash.update(new TextEncoder().encode(text));
  return hash.hex().slice(0, 32);
}
