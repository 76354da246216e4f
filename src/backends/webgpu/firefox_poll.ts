// Firefox notices finished GPU work when something is submitted, and otherwise on a timer of 100 ms: a readback that
// nothing follows waits that long, and so would every token of a slow model (103 ms measured for an empty map by others,
// 1.4 ms with what is done here). While anything is awaited, empty command buffers are submitted every few milliseconds.
//
// Source: Mozilla bug 1870699, which the release notes of WebGPU in Firefox 141 name; the remedy is that of jax-js. To be
// deleted, with its two uses, when that bug is fixed in the oldest Firefox that is supported. Not run in Firefox yet.

/** Milliseconds between two submissions; browsers make more of it in chains of timers. */
const INTERVAL_MS = 1;

/** Gives back its argument; until that settles, what the GPU has finished is noticed at once. */
export type Awaiting = <T>(answer: Promise<T>) => Promise<T>;

/** @param userAgent Where the device is; only Firefox needs help. */
export function awaitingOn(
  device: GPUDevice,
  userAgent: string | undefined = typeof navigator === "undefined" ? undefined : navigator.userAgent,
): Awaiting {
  if (!userAgent || !/\bFirefox\/\d/.test(userAgent)) return (answer) => answer;
  let open = 0;
  let waiting = false;

  function soon(): void {
    if (waiting) return;
    waiting = true;
    setTimeout(nudge, INTERVAL_MS);
  }

  function nudge(): void {
    waiting = false;
    if (open === 0) return;
    device.queue.submit([device.createCommandEncoder().finish()]);
    soon();
  }

  return (answer) => {
    const done = () => {
      open -= 1;
    };
    open += 1;
    soon();
    answer.then(done, done);
    return answer;
  };
}
