// Short names for model files on the Hugging Face hub: `hf:owner/repo/path/model.gguf@revision`. Only text to URL and
// what the hub says about a file; the bytes are fetched like those of any URL.
//
// Source: hub documentation, "Downloading files" (`/resolve/`, `/raw/`) and the Git LFS pointer format, version 1.

import { FennecError } from "../errors";

const HUB = "https://huggingface.co";

/** A pointer file has three short lines; whatever is longer is the file itself. */
const MAX_POINTER_BYTES = 1_024;

export interface HubFile {
  readonly owner: string;
  readonly repo: string;
  readonly path: string;
  /** Branch, tag or commit; `main` when the name gives none. */
  readonly revision: string;
}

/** True for `hf:` names. */
export function isHubName(source: string): boolean {
  return source.startsWith("hf:");
}

/**
 * @param name `hf:owner/repo/path[@revision]`; the path may have folders, the revision begins after the last `@`.
 * @throws FennecError `invalid-argument` when a part is missing.
 */
export function parseHubName(name: string): HubFile {
  const [, owner, repo, path, revision] = /^hf:([^/@]+)\/([^/@]+)\/(.+?)(?:@([^@]+))?$/.exec(name) ?? [];
  if (owner && repo && path && ![owner, repo, ...path.split("/")].some((part) => /^\.{0,2}$/.test(part))) {
    return { owner, repo, path, revision: revision ?? "main" };
  }
  throw new FennecError(
    "invalid-argument",
    `"${name}" does not name a file on the hub; expected hf:owner/repo/file.gguf or hf:owner/repo/file.gguf@revision.`,
  );
}

/**
 * The URL to fetch a model from. `hf:` names become the hub's resolve URL; http(s) URLs stay as they are, except that
 * the hub's page of a file (`/blob/`) becomes the file (`/resolve/`).
 *
 * @param hub Another hub with the same paths, such as a mirror.
 * @throws FennecError `invalid-argument` for anything else.
 *
 * @example
 * resolveModelUrl("hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf").href;
 * // "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf"
 */
export function resolveModelUrl(source: string | URL, hub: string = HUB): URL {
  const text = String(source);
  if (isHubName(text)) return hubUrl(parseHubName(text), "resolve", hub);
  if (!/^https?:/i.test(text) || !URL.canParse(text)) {
    throw new FennecError(
      "invalid-argument",
      `"${text}" is not an http(s) URL and not a name like hf:owner/repo/file.`,
    );
  }
  const url = new URL(text);
  if (url.origin === new URL(hub).origin)
    url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, "$1/resolve/");
  return url;
}

/**
 * SHA-256 of a large file, from the pointer that the hub keeps in Git for it: the only place where a page may read it,
 * since the header that names it stands on a redirect. Undefined for small files, which have no pointer, and when the
 * hub does not answer: the hash is a check, not a condition.
 */
export async function hubSha256(name: string, signal?: AbortSignal, hub: string = HUB): Promise<string | undefined> {
  const url = hubUrl(parseHubName(name), "raw", hub);
  try {
    const response = await fetch(url, {
      headers: { range: `bytes=0-${MAX_POINTER_BYTES - 1}` },
      signal: signal ?? null,
    });
    if (!response.ok || Number(response.headers.get("content-length") ?? 0) > MAX_POINTER_BYTES) {
      await response.body?.cancel();
      return undefined;
    }
    return sha256OfPointer(await response.text());
  } catch {
    return undefined;
  }
}

/** The `oid` of a Git LFS pointer; undefined when the text is no pointer. */
export function sha256OfPointer(text: string): string | undefined {
  if (!text.startsWith("version https://git-lfs")) return undefined;
  return /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
}

function hubUrl({ owner, repo, path, revision }: HubFile, kind: "resolve" | "raw", hub: string): URL {
  const parts = [owner, repo, kind, revision, ...path.split("/")];
  return new URL(parts.map(encodeURIComponent).join("/"), hub.endsWith("/") ? hub : `${hub}/`);
}
