// WebGPU in Node: the optional package `webgpu` (Dawn), loaded when it is first asked for.

let dawn: Promise<GPU | undefined> | undefined;

/**
 * One instance for the process, which must be kept: Dawn ends with it. Also defines WebGPU's global constants
 * (`GPUBufferUsage`, ...), which Node lacks.
 *
 * @param switches Of Dawn, such as `enable-dawn-features=...`; those of the first call hold.
 * @returns undefined when the package is not installed, or has no build for this system.
 */
export function dawnGpu(switches: readonly string[] = []): Promise<GPU | undefined> {
  dawn ??= start(switches);
  return dawn;
}

async function start(switches: readonly string[]): Promise<GPU | undefined> {
  try {
    const { create, globals } = await import("webgpu");
    for (const [name, value] of Object.entries(globals)) {
      if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    return create([...switches]);
  } catch {
    return undefined;
  }
}
