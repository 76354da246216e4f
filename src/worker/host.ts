// The worker's side: runs one engine for one page, and answers its messages.

import type { FennecEngine } from "../api/surface";
import type { ApiStream } from "../api/types";
import type { BackendChange } from "../engine/engine";
import { FennecError } from "../errors";
import type { load } from "../load";
import type { probe } from "../probe";
import { type Endpoint, endpointOf, type Port } from "./endpoint";
import { type Call, type EngineInfo, type FromWorker, plainError, type ToWorker } from "./messages";

/** What the worker runs; the package's own unless a test brings others. */
export interface HostParts {
  readonly load: typeof load;
  readonly probe: typeof probe;
}

/**
 * Serves one page. Call it once in a dedicated worker's script.
 *
 * @param port The worker itself when absent; a MessagePort otherwise.
 *
 * @example
 * // engine_worker.js
 * import { serve } from "@fennec/engine/worker";
 * serve();
 */
export function serve(port: Port = globalThis as unknown as Port, parts?: HostParts): void {
  const host = new Host(endpointOf(port), parts);
  void host.hello();
}

/** A call in progress. */
interface Active {
  readonly controller: AbortController;
  /** Items that the page has room for. */
  credits: number;
  resume: () => void;
}

class Host {
  readonly #endpoint: Endpoint;
  readonly #parts: HostParts | undefined;
  readonly #active = new Map<number, Active>();
  #engine: FennecEngine | undefined;
  #hidden = false;
  /** Loads and unloads run one after the other: two models at once may not fit. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(endpoint: Endpoint, parts: HostParts | undefined) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    endpoint.onMessage((message) => this.#receive(message as ToWorker));
  }

  /** Tells the page that this worker lives, and by which lock it may notice that it does not any more. */
  async hello(): Promise<void> {
    const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
    if (!locks) {
      this.#post({ type: "hello" });
      return;
    }
    const lock = `fennec-worker-${crypto.randomUUID()}`;
    await locks.request(lock, () => {
      this.#post({ type: "hello", lock });
      return new Promise(() => undefined); // held until the worker ends
    });
  }

  #post(message: FromWorker): void {
    this.#endpoint.post(message);
  }

  #receive(message: ToWorker): void {
    if (message.type === "call") {
      void this.#answer(message.id, message.call);
      return;
    }
    if (message.type === "visibility") {
      this.#hidden = message.hidden;
      if (this.#engine) this.#engine.hidden = message.hidden;
      return;
    }
    const active = this.#active.get(message.id);
    if (!active) return; // ended meanwhile
    if (message.type === "abort") active.controller.abort();
    else active.credits += message.count;
    active.resume();
  }

  async #answer(id: number, call: Call): Promise<void> {
    const active: Active = { controller: new AbortController(), credits: 0, resume: () => undefined };
    this.#active.set(id, active);
    try {
      await this.#run(id, call, active);
      this.#post({ type: "end", id });
    } catch (error) {
      this.#post({ type: "error", id, error: plainError(error) });
    } finally {
      this.#active.delete(id);
    }
  }

  async #run(id: number, call: Call, active: Active): Promise<void> {
    const { signal } = active.controller;
    switch (call.method) {
      case "load":
        this.#value(id, await this.#inTurn(() => this.#load(id, call, signal)));
        break;
      case "unload":
        this.#value(id, await this.#inTurn(async () => this.#unload()));
        break;
      case "probe": {
        const { probe } = this.#parts ?? (await import("../probe"));
        this.#value(id, await probe());
        break;
      }
      case "countTokens":
        this.#value(id, this.#loaded().countTokens(call.prompt));
        break;
      case "chat":
        await this.#reply(id, await this.#loaded().chat.completions.create(call.params, { signal }), active);
        break;
      case "completions":
        await this.#reply(id, await this.#loaded().completions.create(call.params, { signal }), active);
        break;
      case "generate": {
        const generation = this.#loaded().generate(call.prompt, { ...call.options, signal });
        // The result does not wait for anybody to read the items.
        await Promise.all([
          generation.result.then((value) => this.#value(id, value)),
          this.#items(id, generation, active),
        ]);
        break;
      }
      default:
        throw new FennecError("invalid-argument", `worker: unknown method ${JSON.stringify(call satisfies never)}`);
    }
  }

  #value(id: number, value: unknown): void {
    this.#post({ type: "value", id, value });
  }

  async #reply(id: number, reply: object | ApiStream<unknown>, active: Active): Promise<void> {
    const streamed = Symbol.asyncIterator in reply;
    this.#value(id, streamed ? undefined : reply);
    if (streamed) await this.#items(id, reply, active);
  }

  /** Sends items as the page makes room for them. */
  async #items(id: number, items: AsyncIterable<unknown>, active: Active): Promise<void> {
    const { signal } = active.controller;
    for await (const value of items) {
      while (active.credits === 0 && !signal.aborted) await new Promise<void>((resolve) => (active.resume = resolve));
      if (signal.aborted) throw new FennecError("aborted", "the request was aborted");
      active.credits -= 1;
      this.#post({ type: "item", id, value });
    }
  }

  async #load(id: number, call: Extract<Call, { method: "load" }>, signal: AbortSignal): Promise<EngineInfo> {
    this.#unload();
    const { load } = this.#parts ?? (await import("../load"));
    const onProgress: NonNullable<Parameters<typeof load>[1]>["onProgress"] = (progress) => {
      this.#post({ type: "progress", id, progress });
    };
    let engine: FennecEngine | undefined;
    const onBackendChange = (change: BackendChange) => {
      if (engine && this.#engine === engine) this.#post({ type: "backend", change, context: engine.context });
    };
    engine = await load(call.source, { ...call.options, signal, onProgress, onBackendChange });
    engine.hidden = this.#hidden;
    this.#engine = engine;
    void engine.lost.then((error) => {
      if (this.#engine === engine) this.#post({ type: "lost", error: plainError(error) });
    });
    const { model, context, samplingDefaults, backend } = engine;
    return { model, context, samplingDefaults, backend };
  }

  #unload(): void {
    this.#engine?.dispose();
    this.#engine = undefined;
  }

  #loaded(): FennecEngine {
    if (this.#engine) return this.#engine;
    throw new FennecError("invalid-argument", "worker: no model is loaded; call load first and wait for it");
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
