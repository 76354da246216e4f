// A model file from the network that is kept: read from the cache when it is there, without a network; otherwise
// downloaded in one pass from front to back into the cache, and readable while it grows. Reads wait for their bytes.

import { FennecError } from "../errors";
import { type CacheStore, entryName, type Manifest, readManifest } from "./cache";
import { type Download, startDownload } from "./download";
import { type HttpFile, type HttpOptions, openHttp } from "./http";
import { hubSha256, isHubName, resolveModelUrl } from "./hub";
import { readParts, storedBytes } from "./parts";
import { abortedError, checkRead, streamByReads, throwIfAborted } from "./source_util";
import type { ByteSource } from "./weights_file";

export interface DownloadProgress {
  /** `cached`: all of it was there. `waiting`: another tab is downloading the same file. */
  readonly phase: "cached" | "waiting" | "downloading";
  /** Bytes stored, those of an earlier download included. */
  readonly loadedBytes: number;
  /** Undefined when the server does not say. */
  readonly totalBytes?: number;
}

export interface CachedOptions extends HttpOptions {
  readonly cache: CacheStore;
  /** Called at most every 100 ms, and at the end. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** What the bytes must hash to, lower-case hex. For `hf:` names the hub is asked. */
  readonly sha256?: string;
  /** Another hub for `hf:` names. */
  readonly hub?: string;
  /** Bytes of a stored part: what a crash can lose at most, and what a download holds in memory. 8 MiB when absent. */
  readonly partBytes?: number;
}

/** A {@link ByteSource} whose last bytes may still be on their way. */
export interface CachedSource extends ByteSource {
  /** True when nothing had to be fetched. */
  readonly cached: boolean;
  /**
   * Resolves when the file is stored whole and its hash, where one is known, was right. Rejects with what went wrong;
   * reads that wait get the same error.
   */
  readonly done: Promise<void>;
}

/** Between calls of `onProgress`. */
const PROGRESS_MS = 100;

/**
 * Opens a URL or `hf:` name through a cache. Disposing the source stops a download under way; what has come is kept,
 * and the next call goes on from there.
 *
 * The last MiB can be read only after the hash was checked. Of two tabs that open the same URL the second waits.
 *
 * @throws FennecError `source-unreadable` (no network and not in the cache, no such file), `quota-exceeded` (before
 *   anything is fetched, where the platform tells), `source-changed` (the hash is wrong), `aborted`.
 *
 * @example
 * const source = await openCached("hf:owner/repo/model.gguf", { cache, onProgress });
 * const file = await openWeights(source); // the header is here; weights arrive
 */
export async function openCached(name: string | URL, options: CachedOptions): Promise<CachedSource> {
  const url = resolveModelUrl(name, options.hub);
  const entry = entryName(url);
  throwIfAborted(options.signal, url.origin + url.pathname);
  const report = throttled(options.onProgress);

  const stored = await completeEntry(options.cache, entry);
  if (stored) return storedSource(options.cache, url, stored, report);
  return download(url, entry, String(name), options, report);
}

type Report = (progress: DownloadProgress, last?: boolean) => void;

/** The entry's manifest when every part is there. */
async function completeEntry(store: CacheStore, entry: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(store, entry);
  if (!manifest?.complete) return undefined;
  return (await storedBytes(store, manifest)) === manifest.size ? manifest : undefined;
}

function storedSource(store: CacheStore, url: URL, manifest: Manifest, report: Report): CachedSource {
  const { parts, partBytes, size = 0 } = manifest;
  report({ phase: "cached", loadedBytes: size, totalBytes: size }, true);
  const source: CachedSource = {
    name: url.origin + url.pathname,
    size,
    identity: identityOf(url, manifest),
    cached: true,
    done: Promise.resolve(),
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      return readParts(store, parts, partBytes, offset, length);
    },
    stream: (offset, length, signal) => streamByReads(source, offset, length, signal),
    dispose() {},
  };
  return source;
}

/** Holds the entry until the download ends, but returns as soon as the size is known. */
function download(
  url: URL,
  entry: string,
  name: string,
  options: CachedOptions,
  report: Report,
): Promise<CachedSource> {
  const { cache, signal } = options;
  const stop = new AbortController();
  const follow = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", follow, { once: true });

  return new Promise<CachedSource>((resolve, reject) => {
    const waiting = () => report({ phase: "waiting", loadedBytes: 0 }, true);
    const held = async () => {
      const stored = await completeEntry(cache, entry); // another tab may have finished it
      if (stored) {
        resolve(storedSource(cache, url, stored, report));
        return;
      }
      const [promised, file] = await Promise.all([
        options.sha256 ?? (isHubName(name) ? hubSha256(name, stop.signal, options.hub) : undefined),
        openHttp(url, { ...options, signal: stop.signal }),
      ]);
      const growth = new EventTarget();
      const running = await startDownload(cache, entry, file, {
        sha256: promised ?? file.sha256,
        partBytes: options.partBytes,
        signal: stop.signal,
        onGrowth: () => growth.dispatchEvent(new Event("growth")),
      });
      watch(running, growth, report);
      const { size } = running.manifest;
      if (size === undefined) resolve(storedSource(cache, url, await running.done, report));
      else resolve(growingSource(running, size, file, growth, stop));
      await running.done;
    };
    cache
      .exclusively(entry, held, waiting, stop.signal)
      .catch((error) => reject(stop.signal.aborted ? abortedError(url.origin + url.pathname, error) : error))
      .finally(() => signal?.removeEventListener("abort", follow));
  });
}

function watch({ manifest, received, done }: Download, growth: EventTarget, report: Report): void {
  const now = (last: boolean) => {
    const total = manifest.size === undefined ? {} : { totalBytes: manifest.size };
    report({ phase: "downloading", loadedBytes: received(), ...total }, last);
  };
  growth.addEventListener("growth", () => now(false));
  done.then(
    () => now(true),
    () => undefined,
  );
}

function growingSource(
  running: Download,
  size: number,
  file: HttpFile,
  growth: EventTarget,
  stop: AbortController,
): CachedSource {
  let failure: unknown;
  let finished = false;
  const done = running.done.then(() => undefined);
  done
    .catch((error) => {
      failure = stop.signal.reason instanceof FennecError ? stop.signal.reason : error;
    })
    .finally(() => {
      finished = true;
      growth.dispatchEvent(new Event("growth"));
    });

  const source: CachedSource = {
    name: file.name,
    size,
    identity: identityOf(file.url, running.manifest),
    cached: false,
    done,
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      const end = offset + length;
      while (running.available() < end && !finished) await nextGrowth(growth, file.name, signal);
      if (running.available() < end) throw failure;
      return running.read(offset, length);
    },
    stream: (offset, length, signal) => streamByReads(source, offset, length, signal),
    dispose: () => stop.abort(new FennecError("disposed", `${file.name}: the download was stopped.`)),
  };
  return source;
}

function nextGrowth(growth: EventTarget, name: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      growth.removeEventListener("growth", grown);
      reject(abortedError(name, signal?.reason));
    };
    const grown = () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    };
    growth.addEventListener("growth", grown, { once: true });
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

function identityOf(url: URL, known: Pick<Manifest, "size" | "sha256" | "etag" | "lastModified">): string {
  return `url:${url.href}:${known.size ?? ""}:${known.sha256 ?? known.etag ?? known.lastModified ?? ""}`;
}

function throttled(onProgress: CachedOptions["onProgress"]): Report {
  let last = Number.NEGATIVE_INFINITY;
  return (progress, always = false) => {
    const now = performance.now();
    if (!always && now - last < PROGRESS_MS) return;
    last = now;
    onProgress?.(progress);
  };
}
