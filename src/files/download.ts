// One download into a cache entry: goes on where an earlier one stopped, checks the hash, and says how far it is, so
// that a model's first weights are on the GPU while its last are still on the way.

import { FennecError } from "../errors";
import {
  type CacheStore,
  type Manifest,
  partsPrefix,
  quotaExceeded,
  readManifest,
  removeParts,
  storageError,
  writeManifest,
} from "./cache";
import type { HttpFile } from "./http";
import { difference, type Validators } from "./http_validators";
import { type GrowingFile, growingFile, PART_BYTES, storedBytes } from "./parts";
import { type Sha256, sha256 } from "./sha256";
import { STREAM_CHUNK_BYTES } from "./source_util";

/**
 * The end of the file is handed out only when the hash of the whole was right. Whoever needs the whole model needs
 * these bytes, so nobody can finish loading a damaged one.
 */
const HELD_BACK_BYTES = 1 << 20;

export interface DownloadOptions {
  /** What the bytes must hash to, lower-case hex, if known. */
  readonly sha256: string | undefined;
  readonly partBytes: number | undefined;
  readonly signal: AbortSignal;
  /** Called when more is there, and once at the start with what was there. */
  readonly onGrowth: () => void;
}

export interface Download {
  /** As it stands in the store until the end; `size` is undefined when the server does not say. */
  readonly manifest: Manifest;
  /** Bytes stored. */
  readonly received: () => number;
  /** Bytes from the start that may be read now. */
  readonly available: () => number;
  /** A copy of a range below {@link available}. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The finished entry, complete and checked; rejects with what went wrong. */
  readonly done: Promise<Manifest>;
}

/** Starts to fill the entry. The caller holds the entry exclusively until `done` settles. */
export async function startDownload(
  store: CacheStore,
  entry: string,
  source: HttpFile,
  options: DownloadOptions,
): Promise<Download> {
  const { manifest, stored } = await prepare(store, entry, source, options);
  const { size } = manifest;
  const file = await growingFile(store, manifest.parts, manifest.partBytes, stored);
  let checked = manifest.sha256 === undefined;

  async function run(): Promise<Manifest> {
    const hash = manifest.sha256 === undefined ? undefined : sha256();
    await receive(file, source, size, hash, options);
    if (hash) await checkHash(store, entry, source.name, hash.hex(), manifest.sha256);
    const complete = { ...manifest, size: file.length(), complete: true, savedAt: Date.now() };
    await writeManifest(store, entry, complete);
    checked = true;
    file.close();
    return complete;
  }

  const done = run().catch(async (error) => {
    throw await storageError(store, source.name, (size ?? file.length()) - file.stored(), error);
  });
  done.catch(() => undefined); // whoever reads gets it; nobody has to
  return {
    manifest,
    received: file.length,
    available() {
      if (checked || size === undefined) return file.length();
      return Math.max(0, Math.min(file.length(), size - HELD_BACK_BYTES));
    },
    read: file.read,
    done,
  };
}

/** Everything after what is stored; whatever happens, what came is stored. */
async function receive(
  file: GrowingFile,
  source: HttpFile,
  size: number | undefined,
  hash: Sha256 | undefined,
  { signal, onGrowth }: DownloadOptions,
): Promise<void> {
  for (let at = 0; hash && at < file.length(); at += STREAM_CHUNK_BYTES) {
    hash.update(await file.read(at, Math.min(STREAM_CHUNK_BYTES, file.length() - at)));
  }
  onGrowth();
  try {
    if (file.length() === 0) {
      hash?.update(source.head);
      await file.append(source.head);
      onGrowth();
    }
    for await (const chunk of source.stream(file.length(), size, signal)) {
      hash?.update(chunk);
      await file.append(chunk);
      onGrowth();
    }
  } catch (error) {
    await file.flush().catch(() => undefined); // the first error counts
    throw error;
  }
  await file.flush();
}

async function checkHash(store: CacheStore, entry: string, name: string, got: string, want?: string): Promise<void> {
  if (got === want) return;
  await removeParts(store, entry);
  throw new FennecError(
    "source-changed",
    `${name}: the downloaded bytes have the SHA-256 ${got}; the source promises ${want}. ` +
      `They were deleted. Load the model again; if it happens again, the source is damaged.`,
  );
}

/** Decides between going on and starting over, checks the space, and leaves a manifest that says which. */
async function prepare(
  store: CacheStore,
  entry: string,
  source: HttpFile,
  { sha256: promised, partBytes = PART_BYTES }: DownloadOptions,
): Promise<{ manifest: Manifest; stored: number }> {
  const before = await readManifest(store, entry);
  const { validators } = source;
  const same = before !== undefined && before.partBytes === partBytes && sameVersion(before, validators, promised);
  const manifest: Manifest = {
    url: source.url.href,
    ...validators,
    ...(promised === undefined ? {} : { sha256: promised }),
    parts: same ? before.parts : partsPrefix(entry, promised ?? versionOf(validators)),
    partBytes,
    complete: false,
    savedAt: Date.now(),
  };
  const stored = same ? await storedBytes(store, manifest) : 0;
  await removeParts(store, entry, same ? manifest.parts : undefined);

  const needed = (validators.size ?? 0) - stored;
  const space = await store.space();
  if (space.free !== undefined && needed > space.free) throw quotaExceeded(source.name, needed, space);
  try {
    await writeManifest(store, entry, manifest);
  } catch (error) {
    throw await storageError(store, source.name, needed, error);
  }
  return { manifest, stored };
}

/** A hash tells for sure; otherwise the server's validators, of which it must give at least one besides the size. */
function sameVersion(before: Manifest, now: Validators, promised: string | undefined): boolean {
  if (before.size === undefined || before.size !== now.size) return false;
  if (promised !== undefined && before.sha256 !== undefined) return promised === before.sha256;
  const known = (before.etag && now.etag) || (before.lastModified && now.lastModified);
  return Boolean(known) && difference(before, now) === undefined;
}

/** Empty when nothing but the size is known: no two downloads then share parts. */
function versionOf({ size, etag, lastModified }: Validators): string {
  return size !== undefined && (etag || lastModified) ? `${size} ${etag ?? lastModified}` : "";
}
