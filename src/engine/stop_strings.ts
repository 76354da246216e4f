// Ends a reply at the first of some strings, and never lets a part of one out: text that may still become a stop string
// is held back until it cannot.

export interface StopStep {
  /** Text that may be shown now. */
  readonly text: string;
  /** True when a stop string is complete; nothing follows. */
  readonly stopped: boolean;
}

export class StopStrings {
  readonly #stops: readonly string[];
  readonly #longest: number;
  #held = "";

  /** @param stops Without empty strings. */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  push(text: string): StopStep {
    const all = this.#held + text;
    const found = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#held = "";
      return { text: all.slice(0, Math.min(...found)), stopped: true };
    }
    const keep = this.#beginningOfStop(all);
    this.#held = all.slice(all.length - keep);
    return { text: all.slice(0, all.length - keep), stopped: false };
  }

  /** What was held back, when the reply ends for another reason. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** Length of the longest end of `text` that begins a stop string. */
  #beginningOfStop(text: string): number {
    for (let length = Math.min(this.#longest - 1, text.length); length > 0; length--) {
      const end = text.slice(text.length - length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
