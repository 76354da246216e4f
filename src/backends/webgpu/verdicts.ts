// What earlier loads found out about a device and need not find out again: which kernel variants are right on it (the
// self-test), and which are fast (tuning). One JSON record per device, browser or driver, and engine version, in a page,
// in a worker and in Node. A load never fails because of it: what cannot be read counts as absent, what cannot be
// written is found out again.

import type { CacheStore } from "../../files/cache";
import { deviceStore } from "../../files/device_store";
import { sha256 } from "../../files/sha256";
import { VERSION } from "../../version";

/** Whose findings: another value of any field is another record. */
export interface VerdictKey {
  /** The adapter as WebGPU describes it, driver and limits included as far as it tells. */
  readonly adapter: string;
  /** Browser and system by their user agent, or Node's version. */
  readonly runtime: string;
  readonly engine: string;
}

/** A field is absent until its owner has written it. */
export interface Verdict {
  readonly selfTest?: SelfTestVerdict;
  /** Choices of the autotuner, by its own names. */
  readonly tuning?: Readonly<Record<string, unknown>>;
}

export interface SelfTestVerdict {
  /** Names of shaders ({@link shaderName}) that were right. */
  readonly passed: readonly string[];
  /** Shaders that were wrong, with what was wrong about them. */
  readonly refused: Readonly<Record<string, string>>;
}

/** Records larger than this are damaged: a whole one has a few hundred names. */
const MOST_BYTES = 1 << 20;

/** @param features Those that the device was opened with: another choice chooses other kernels. */
export function verdictKey(info: GPUAdapterInfo, features: Iterable<string>, limits: GPUSupportedLimits): VerdictKey {
  const { vendor, architecture, device, description } = info;
  return {
    adapter: [
      ...[vendor, architecture, device, description],
      ...[info.subgroupMinSize, info.subgroupMaxSize],
      ...[...features].sort(),
      ...[limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupStorageSize],
      limits.maxStorageBufferBindingSize,
    ].join("|"),
    runtime: runtime(),
    engine: VERSION,
  };
}

/** A shader's name in a verdict. It has the text in it, so that a changed shader is tested again. */
export function shaderName(kernel: string, variant: string, text: string): string {
  return `${kernel}/${variant} ${hashOf(text)}`;
}

/** The record of a device; empty when there is none. Never rejects. */
export async function readVerdict(key: VerdictKey): Promise<Verdict> {
  try {
    const store = await deviceStore();
    return store ? await read(store, key) : {};
  } catch {
    return {};
  }
}

/**
 * Changes the record of a device: `change` gets what is stored now, also by other tabs, and returns the fields to
 * replace. Never rejects.
 */
export async function updateVerdict(key: VerdictKey, change: (stored: Verdict) => Verdict): Promise<void> {
  try {
    const store = await deviceStore();
    await store?.exclusively(nameOf(key), async () => {
      const stored = await read(store, key);
      const text = JSON.stringify({ key, ...stored, ...change(stored) });
      await store.write(nameOf(key), new TextEncoder().encode(text));
    });
  } catch {
    // No room, no permission: the next load does the work again.
  }
}

async function read(store: CacheStore, key: VerdictKey): Promise<Verdict> {
  const size = await store.size(nameOf(key));
  if (size === undefined || size > MOST_BYTES) return {};
  try {
    const text = new TextDecoder().decode(await store.read(nameOf(key), 0, size));
    const { key: written, selfTest, tuning } = JSON.parse(text) as Verdict & { readonly key?: VerdictKey };
    if (JSON.stringify(written) !== JSON.stringify(key)) return {};
    return { ...(isSelfTest(selfTest) && { selfTest }), ...(isRecord(tuning) && { tuning }) };
  } catch {
    return {};
  }
}

function isSelfTest(value: unknown): value is SelfTestVerdict {
  if (!isRecord(value) || !Array.isArray(value.passed) || !isRecord(value.refused)) return false;
  return [...value.passed, ...Object.values(value.refused)].every((text) => typeof text === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf({ adapter, runtime, engine }: VerdictKey): string {
  return `${hashOf([adapter, runtime, engine].join("\n"))}.json`;
}

function hashOf(text: string): string {
  const hash = sha256();
  hash.update(new TextEncoder().encode(text));
  return hash.hex().slice(0, 24);
}

function runtime(): string {
  if (typeof process !== "undefined" && process.versions?.node)
    return `Node ${process.version} ${process.platform} ${process.arch}`;
  return typeof navigator === "undefined" ? "" : navigator.userAgent;
}
