// Lets timers, messages and input run now and then. A backend whose results are ready at once would otherwise keep the
// loop inside microtasks, and an abort could never arrive.

/** Longest time without a look at the event loop, milliseconds. */
const HOLD_MS = 12;

export class Breather {
  readonly #now: () => number;
  #last = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  async breathe(): Promise<void> {
    if (this.#now() - this.#last < HOLD_MS) return;
    await nextTask();
    this.#last = this.#now();
  }
}

/** A task of its own, without the 4 ms that browsers add to nested timeouts. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
