// From what an application has in hand (a name, URL, File, bytes) to a ByteSource. Nothing is stored here; see
// cached_source.ts for downloads that are kept.

import { FennecError } from "../errors";
import { blobSource } from "./blob_source";
import type { HttpOptions } from "./http";
import { isHubName, resolveModelUrl } from "./hub";
import { memorySource } from "./memory_source";
import { pathOpener } from "./platform";
import { quoted } from "./quoted";
import { openUrl } from "./url_source";
import type { ByteSource } from "./weights_file";

export type Source = string | URL | Blob | ArrayBuffer | Uint8Array | ByteSource;

export interface SourceOptions extends HttpOptions {
  /** Name for messages, for sources that have none. */
  readonly name?: string;
}

/**
 * Strings are, in this order: `hf:` names, http(s) URLs, `file:` URLs and paths where the platform opens paths, URLs
 * relative to the page elsewhere.
 *
 * @throws FennecError `source-unreadable`, `invalid-argument`, `aborted`.
 *
 * @example
 * const file = await openWeights(await openSource(input.files[0]));
 */
export async function openSource(source: Source, options: SourceOptions = {}): Promise<ByteSource> {
  if (typeof source === "string" || source instanceof URL) return openNamed(source, options);
  if (source instanceof Blob) return blobSource(source, options.name);
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return memorySource(source, options.name);
  return source;
}

async function openNamed(source: string | URL, options: SourceOptions): Promise<ByteSource> {
  const url = remoteUrl(source);
  if (url) return openUrl(url, options);
  const open = pathOpener();
  if (open) return open(source);
  throw new FennecError(
    "source-unreadable",
    `"${source}": paths cannot be opened here. In a page pass a File or a URL; in Node import the package's Node entry.`,
  );
}

/**
 * The http(s) URL that a name stands for; undefined for what only the platform can open (paths, `file:` URLs).
 * @throws FennecError `invalid-argument` for a malformed `hf:` name, and for URLs that nothing here opens (`ftp://`).
 */
export function remoteUrl(source: string | URL): URL | undefined {
  const text = String(source);
  if (isHubName(text) || /^https?:/i.test(text)) return resolveModelUrl(text);
  const page = typeof location === "undefined" ? undefined : location.href;
  const scheme = /^([a-z][a-z0-9+.-]+:)\/\//i.exec(text)?.[1]?.toLowerCase();
  // Applications that bring a scheme of their own for their page fetch models by it too.
  if (scheme && scheme !== "file:" && !page?.startsWith(scheme)) {
    throw new FennecError(
      "invalid-argument",
      `${quoted(text)}: "${scheme}" URLs cannot be opened; allowed: http: and https: URLs, hf:owner/repo/file.gguf, ` +
        "and in Node file: URLs and paths.",
    );
  }
  const relative = !pathOpener() && page && !/^file:/i.test(text) && URL.canParse(text, page);
  return relative ? new URL(text, page) : undefined;
}
