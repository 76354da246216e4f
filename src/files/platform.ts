// The one place where a platform adds what browsers do not have: opening a path. The Node entry calls `setPathOpener`
// with `openNodeFile`; browsers leave it unset.

import type { ByteSource } from "./weights_file";

/** Opens a path or a `file:` URL. @throws FennecError `source-unreadable`. */
export type PathOpener = (path: string | URL) => Promise<ByteSource>;

let opener: PathOpener | undefined;

export function setPathOpener(next: PathOpener | undefined): void {
  opener = next;
}

export function pathOpener(): PathOpener | undefined {
  return opener;
}
