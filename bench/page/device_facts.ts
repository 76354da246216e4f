// Where the page runs, and what makes its numbers worth less.

import type { DeviceFacts } from "./result";

export async function deviceFacts(): Promise<DeviceFacts> {
  const adapter = await findAdapter();
  const { userAgent, hardwareConcurrency: cores } = navigator;
  const { deviceMemory: memoryGb } = navigator as Navigator & { readonly deviceMemory?: number };
  const words = adapter
    ? [adapter.info.vendor, adapter.info.architecture, adapter.info.device, adapter.info.description]
    : [];
  const name = [...new Set(words.filter((word) => word))].join(" ");
  return {
    userAgent,
    cores,
    ...(memoryGb !== undefined && { memoryGb }),
    adapter: adapter ? name || "unnamed adapter" : "no WebGPU",
    fallbackAdapter: !adapter || adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|basic render/i.test(name),
    features: adapter ? [...adapter.features].sort() : [],
    crossOriginIsolated,
  };
}

async function findAdapter(): Promise<GPUAdapter | null> {
  const gpu: GPU | undefined = navigator.gpu;
  return gpu ? gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null) : null;
}

/** What is known to be wrong before anything runs. */
export function warningsOf(device: DeviceFacts): readonly string[] {
  const { adapter, fallbackAdapter } = device;
  return [
    ...(adapter === "no WebGPU" ? ["This browser has no WebGPU here: only engines on the processor run."] : []),
    ...(fallbackAdapter && adapter !== "no WebGPU"
      ? [
          `The adapter "${adapter}" is drawn by the processor. It ranks barriers, not bytes: nothing about a GPU follows.`,
        ]
      : []),
    ...(device.crossOriginIsolated
      ? []
      : ["The page is not cross-origin isolated: one thread only, memory unmeasured."]),
  ];
}

export const HIDDEN_WARNING = "The tab was hidden during the run: browsers slow hidden tabs down. Run it again.";

/** Watches whether the tab is ever hidden. */
export function watchHidden() {
  let hidden = document.hidden;
  const look = () => {
    hidden ||= document.hidden;
  };
  document.addEventListener("visibilitychange", look);
  return {
    get wasHidden() {
      return hidden;
    },
    stop: () => document.removeEventListener("visibilitychange", look),
  };
}

/** Resolves when the tab is shown. */
export function whenVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/** Browsers wait for a collection of garbage before they answer. */
const MEMORY_PATIENCE_MS = 30_000;

/** Bytes of the page and its workers, wasm included and GPU buffers not; undefined where the browser does not tell. */
export async function pageBytes(): Promise<number | undefined> {
  const { measureUserAgentSpecificMemory: measure } = performance as Performance & {
    readonly measureUserAgentSpecificMemory?: () => Promise<{ readonly bytes: number }>;
  };
  if (!measure || !crossOriginIsolated) return undefined;
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, MEMORY_PATIENCE_MS));
  const found = await Promise.race([measure.call(performance), late]).catch(() => undefined);
  return found?.bytes;
}

const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Edge", /Edg\/(\d+)/],
  ["Opera", /OPR\/(\d+)/],
  ["Firefox", /Firefox\/(\d+)/],
  ["Chrome", /Chrome\/(\d+)/],
  ["Safari", /Version\/(\d+).*Safari/],
];

/** `Chrome 156 on Linux`: as much of a user agent as says something. */
export function browserOf(userAgent: string): string {
  const browser = BROWSERS.map(([name, pattern]) => [name, pattern.exec(userAgent)?.[1]]).find(
    ([, version]) => version,
  );
  const system = /Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux/.exec(userAgent)?.[0];
  return [browser?.join(" "), system && `on ${system}`].filter(Boolean).join(" ") || "unknown";
}
