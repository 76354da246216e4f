// What tells one version of a file on a server from another: size, ETag, Last-Modified.
//
// Sources: RFC 9110, section 8.8; Fetch, "CORS-safelisted response-header name" (pages on other origins see a part).

/** What tells one version of the file from another; each part as far as the server tells. */
export interface Validators {
  readonly size?: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

/** Compares what both know; undefined when nothing differs, otherwise the difference in words. */
export function difference(before: Validators, now: Validators): string | undefined {
  if (before.size !== undefined && now.size !== undefined && before.size !== now.size) {
    return `${before.size} bytes then, ${now.size} now`;
  }
  if (before.etag !== undefined && now.etag !== undefined) {
    return opaque(before.etag) === opaque(now.etag) ? undefined : `etag ${before.etag} then, ${now.etag} now`;
  }
  if (before.lastModified !== undefined && now.lastModified !== undefined) {
    return before.lastModified === now.lastModified ? undefined : `modified ${now.lastModified}`;
  }
  return undefined;
}

/** A weak tag (`W/`) is good enough: it is compared with tags of the same server only. */
function opaque(etag: string): string {
  return etag.replace(/^W\//, "");
}

/** From the headers of an answer with status 200, 206 or 416. */
export function validatorsOf(response: Response): Validators {
  const total = /^bytes (?:\d+-\d+|\*)\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  const size = total !== undefined ? Number(total) : response.status === 200 ? contentLength(response) : undefined;
  const etag = response.headers.get("etag");
  const lastModified = response.headers.get("last-modified");
  return {
    ...(size !== undefined && Number.isSafeInteger(size) ? { size } : {}),
    ...(etag ? { etag } : {}),
    ...(lastModified ? { lastModified } : {}),
  };
}

/** Undefined when the body is compressed on the way: the header then counts the compressed bytes. */
export function contentLength(response: Response): number | undefined {
  const length = response.headers.get("content-length");
  return length === null || response.headers.has("content-encoding") ? undefined : Number(length);
}

/** The first byte of a partial answer, where the server lets this page see it. */
export function rangeStart(response: Response): number | undefined {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}
