// Calls and streams over a port: numbers them, hands answers to whoever waits, and makes an error of a worker's death.

import { AsyncQueue } from "../engine/queue";
import { FennecError } from "../errors";
import type { EngineProgress } from "../load";
import { type Endpoint, endpointOf, type Port } from "./endpoint";
import { type Call, type FromWorker, revivedError, type ToWorker, WINDOW } from "./messages";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EngineProgress) => void) | undefined;
}

/** What the worker tells without being asked. */
export type Told = Extract<FromWorker, { readonly type: "backend" }>;

export interface RemoteStream<Item> {
  /** The call's result. */
  readonly value: Promise<unknown>;
  /** To be read once. Leaving early aborts the call. */
  readonly items: AsyncIterable<Item>;
  /** Asks for all items that are left, read or not. */
  readonly drain: () => void;
}

interface Pending {
  readonly onValue: (value: unknown) => void;
  readonly onItem: (value: unknown) => void;
  readonly onEnd: () => void;
  readonly onError: (error: FennecError) => void;
  readonly onProgress: (progress: EngineProgress) => void;
}

export class Connection {
  readonly lost: Promise<FennecError>;
  readonly #endpoint: Endpoint;
  readonly #onTold: (message: Told) => void;
  readonly #pending = new Map<number, Pending>();
  #lose: (error: FennecError) => void = () => undefined;
  #nextId = 1;
  /** Set when nothing will be answered any more. */
  #closed: FennecError | undefined;

  constructor(port: Port, onTold: (message: Told) => void) {
    this.#onTold = onTold;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    this.#endpoint = endpointOf(port);
    this.#endpoint.onMessage((message) => this.#receive(message as FromWorker));
    this.#endpoint.onFailure((reason) => this.#fail(reason));
  }

  /** One question, one answer. */
  call<Value>(call: Call, { signal, onProgress }: CallOptions = {}): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#send(call, signal, {
        onValue: (value) => resolve(value as Value),
        onError: reject,
        onProgress: onProgress ?? (() => undefined),
        onItem: () => undefined,
        onEnd: () => undefined,
      });
    });
  }

  /** A call with items. The worker is told of room for more as they are read, so that unread ones stay few. */
  stream<Item>(call: Call, signal?: AbortSignal): RemoteStream<Item> {
    const leave = new AbortController();
    const queue = new AsyncQueue<Item>(() => leave.abort());
    let id = 0;
    const value = new Promise<unknown>((resolve, reject) => {
      id = this.#send(call, signal ? AbortSignal.any([signal, leave.signal]) : leave.signal, {
        onValue: resolve,
        onItem: (item) => queue.push(item as Item),
        onEnd: () => queue.close(),
        onError(error) {
          reject(error);
          queue.close(error);
        },
        onProgress: () => undefined,
      });
    });
    value.catch(() => undefined); // whoever only iterates gets the error there
    const pull = (count: number) => {
      if (this.#pending.has(id)) this.#post({ type: "pull", id, count });
    };
    return { value, items: windowed(queue, pull), drain: () => pull(Number.MAX_SAFE_INTEGER) };
  }

  /** Tells the worker whether nobody sees the page. */
  tellHidden(hidden: boolean): void {
    if (!this.#closed) this.#post({ type: "visibility", hidden });
  }

  dispose(): void {
    if (this.#closed) return;
    this.#post({ type: "call", id: this.#nextId++, call: { method: "unload" } });
    this.#close(new FennecError("disposed", "the engine was disposed; connect to a worker again to go on"));
  }

  /** Returns the call's number. `pending` hears nothing more after an error or the end. */
  #send(call: Call, signal: AbortSignal | undefined, pending: Pending): number {
    const id = this.#nextId++;
    if (this.#closed) {
      pending.onError(this.#closed);
      return id;
    }
    const abort = () => {
      if (!this.#pending.delete(id)) return;
      this.#post({ type: "abort", id });
      pending.onError(new FennecError("aborted", "the request was aborted", { cause: signal?.reason }));
    };
    if (signal?.aborted) {
      pending.onError(new FennecError("aborted", "the request was aborted", { cause: signal.reason }));
      return id;
    }
    try {
      this.#post({ type: "call", id, call });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      pending.onError(new FennecError("invalid-argument", `${call.method}: cannot be sent to a worker: ${text}`));
      return id;
    }
    signal?.addEventListener("abort", abort, { once: true });
    const done = () => signal?.removeEventListener("abort", abort);
    this.#pending.set(id, {
      ...pending,
      onError(error) {
        done();
        pending.onError(error);
      },
      onEnd() {
        done();
        pending.onEnd();
      },
    });
    return id;
  }

  #post(message: ToWorker): void {
    this.#endpoint.post(message);
  }

  #receive(message: FromWorker): void {
    if (message.type === "hello") {
      if (message.lock) this.#watch(message.lock);
      return;
    }
    if (message.type === "backend") {
      if (!this.#closed) this.#onTold(message);
      return;
    }
    if (message.type === "lost") {
      if (!this.#closed) this.#lose(revivedError(message.error));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return; // aborted meanwhile
    if (message.type === "end" || message.type === "error") this.#pending.delete(message.id);
    if (message.type === "progress") pending.onProgress(message.progress);
    else if (message.type === "value") pending.onValue(message.value);
    else if (message.type === "item") pending.onItem(message.value);
    else if (message.type === "end") pending.onEnd();
    else pending.onError(revivedError(message.error));
  }

  /** The worker holds the lock while it lives: whoever gets it knows that it does not. */
  #watch(lock: string): void {
    navigator.locks?.request(lock, () => this.#fail("it was ended")).catch(() => undefined);
  }

  #fail(reason: string): void {
    if (this.#closed) return; // a worker may end after dispose
    const error = new FennecError(
      "worker-failed",
      `the worker that runs the engine failed: ${reason}. Start another one and load the model again.`,
    );
    this.#close(error);
    this.#lose(error);
  }

  #close(error: FennecError): void {
    if (this.#closed) return;
    this.#closed = error;
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { onError } of all) onError(error);
  }
}

/** Asks for a window of items when reading begins, and for more as they are read. */
async function* windowed<Item>(queue: AsyncIterable<Item>, pull: (count: number) => void): AsyncGenerator<Item, void> {
  let read = 0;
  pull(WINDOW);
  for await (const item of queue) {
    yield item;
    read += 1;
    if (read % (WINDOW / 2) === 0) pull(WINDOW / 2);
  }
}
