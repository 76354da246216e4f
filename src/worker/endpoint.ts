// One way to talk to a dedicated worker, the page of a worker, a MessagePort, and their relatives in Node, which have
// `on` where browsers have `addEventListener`.

export interface Endpoint {
  post(message: unknown): void;
  onMessage(handler: (message: unknown) => void): void;
  /** The other side is known to be gone, or sent what cannot be read. */
  onFailure(handler: (reason: string) => void): void;
}

/** Browsers' `Worker`, `MessagePort` and `DedicatedWorkerGlobalScope`, as far as they are used here. */
interface EventPort {
  postMessage(message: unknown): void;
  addEventListener(type: string, handler: (event: Event) => void): void;
  start?(): void;
}

/** Node's `worker_threads.Worker` and `parentPort`. */
interface EmitterPort {
  postMessage(message: unknown): void;
  on(type: string, handler: (value: unknown) => void): unknown;
}

export type Port = EventPort | EmitterPort;

export function endpointOf(port: Port): Endpoint {
  return "addEventListener" in port ? eventEndpoint(port) : emitterEndpoint(port);
}

function eventEndpoint(port: EventPort): Endpoint {
  return {
    post: (message) => port.postMessage(message),
    onMessage(handler) {
      port.addEventListener("message", (event) => handler((event as MessageEvent<unknown>).data));
      port.start?.();
    },
    onFailure(handler) {
      port.addEventListener("error", (event) => {
        const { message } = event as ErrorEvent;
        handler(message || "its script could not be loaded");
      });
      port.addEventListener("messageerror", () => handler("it sent a message that cannot be read"));
      port.addEventListener("close", () => handler("its port was closed"));
    },
  };
}

function emitterEndpoint(port: EmitterPort): Endpoint {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (handler) => void port.on("message", handler),
    onFailure(handler) {
      port.on("error", (error) => handler(error instanceof Error ? error.message : String(error)));
      port.on("messageerror", () => handler("it sent a message that cannot be read"));
      port.on("exit", (code) => handler(`it ended with code ${String(code)}`));
      port.on("close", () => handler("its port was closed"));
    },
  };
}
