// A queue between one producer that never waits and one consumer that iterates. It is bounded by what is produced: a
// reply is at most as long as the context.

export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #waiting: (() => void) | undefined;
  #closed = false;
  #error: unknown;
  readonly #onReturn: () => void;

  /** @param onReturn The consumer stopped early. */
  constructor(onReturn: () => void = () => undefined) {
    this.#onReturn = onReturn;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Nothing follows; with an error, the consumer gets it at once and unread items are gone. */
  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    if (error !== undefined) this.#items = [];
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const items = this.#items;
        this.#items = [];
        yield* items;
        if (this.#items.length > 0) continue;
        if (this.#error !== undefined) throw this.#error;
        if (this.#closed) return;
        await new Promise<void>((resolve) => (this.#waiting = resolve));
      }
    } finally {
      this.#onReturn();
    }
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}
