// Versions of Fennec and of the installed peers, written in by the build.

export interface Versions {
  readonly fennec: string;
  readonly wllama: string;
  readonly transformers: string;
  readonly webLlm: string;
}

declare const __VERSIONS__: Versions;

export const VERSIONS: Versions = __VERSIONS__;
