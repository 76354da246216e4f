// Numbers as people read them.

const UNITS = ["B", "kB", "MB", "GB"] as const;

/** `1 536 000` is "1.5 MB": powers of 1000, as browsers and file managers show downloads. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** @param ms Milliseconds. */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

export function formatRate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

/** Bytes per second over the last seconds of a download, from a series of totals. */
export class Speed {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** @param at Milliseconds, as performance.now() gives. @returns Bytes per second; 0 at the first sample. */
  add(bytes: number, at: number): number {
    const samples = this.#samples;
    samples.push({ at, bytes });
    while (samples.length > 2 && at - samples[0]!.at > WINDOW_MS) samples.shift();
    const first = samples[0]!;
    return at > first.at ? ((bytes - first.bytes) * 1000) / (at - first.at) : 0;
  }
}

/** Long enough to be calm, short enough to show a stall. */
const WINDOW_MS = 3000;
