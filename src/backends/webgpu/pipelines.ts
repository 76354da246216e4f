// Compute pipelines: which variant of a kernel runs for a number of rows, compiled once per variant and bucket and kept.
// All variants of a kernel share one bind group layout, so that bind groups never depend on rows.

import { MAX_ROWS } from "../../../kernels/common/batch";
import { type Access, type DeviceTraits, type Kernel, ROW_BUCKETS, type Variant } from "../../../kernels/kernel";
import { link } from "../../../kernels/linker";
import { FennecError, isFennecError } from "../../errors";
import type { Counters } from "../backend";
import { shaderName } from "./verdicts";

/** A pipeline that is compiled, with the variant that it runs. */
export interface CompiledKernel {
  readonly variant: Variant;
  readonly pipeline: GPUComputePipeline;
}

/** A variant to use before its suitability is asked: tests run whole models on each. */
export type PreferredVariant = string | undefined;

/** Decode steps, of all their buckets, or prefill chunks: what variants are preferred for. */
export type Phase = "decode" | "prefill";

export function phaseOf(bucket: number): Phase {
  return bucket <= ROW_BUCKETS[ROW_BUCKETS.length - 1]! ? "decode" : "prefill";
}

const BUFFER_TYPES: Record<Access, GPUBufferBindingType> = {
  uniform: "uniform",
  read: "read-only-storage",
  read_write: "storage",
};

export class Pipelines {
  readonly #device: GPUDevice;
  readonly traits: DeviceTraits;
  readonly #counters: Counters;
  readonly #prefer: PreferredVariant;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #compiled = new Map<string, CompiledKernel>();
  readonly #pending = new Map<string, Promise<CompiledKernel>>();
  readonly #refused = new Set<string>();
  /** Names of variants, best first, by kernel and phase. */
  readonly #ranked = new Map<string, readonly string[]>();

  constructor(device: GPUDevice, traits: DeviceTraits, counters: Counters, prefer?: PreferredVariant) {
    this.#device = device;
    this.traits = traits;
    this.#counters = counters;
    this.#prefer = prefer;
  }

  layout(kernel: Kernel): GPUBindGroupLayout {
    const known = this.#layouts.get(kernel.name);
    if (known) return known;
    const layout = this.#device.createBindGroupLayout({
      label: kernel.name,
      entries: Object.values(kernel.bindings).map((access, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: BUFFER_TYPES[access] },
      })),
    });
    this.#layouts.set(kernel.name, layout);
    return layout;
  }

  /** The pipeline for `bucket` rows if it is compiled already. */
  ready(kernel: Kernel, bucket: number): CompiledKernel | undefined {
    return this.#compiled.get(keyOf(kernel, bucket));
  }

  /**
   * A variant that does not compile here gives way to the next, as a wrong one does.
   *
   * @throws FennecError `kernel-compile` when the last one does not compile, `self-test-failed` when all were refused.
   */
  async compile(kernel: Kernel, bucket: number): Promise<CompiledKernel> {
    const key = keyOf(kernel, bucket);
    const known = this.#compiled.get(key);
    if (known) return known;
    const pending = this.#pending.get(key) ?? this.#compile(kernel, bucket, key);
    this.#pending.set(key, pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(key);
    }
  }

  /** Variants that could run `bucket` rows, the one in use first, with the names of their shaders in a verdict. */
  shaders(kernel: Kernel, bucket: number): readonly { readonly variant: Variant; readonly name: string }[] {
    return this.candidates(kernel, bucket).map((variant) => {
      const { code } = this.#link(kernel, variant, bucket);
      return { variant, name: shaderName(kernel.name, variant.name, code) };
    });
  }

  /** Never use this variant again; the next one that suits takes its place. */
  refuse(kernel: Kernel, variant: Variant): void {
    this.#refused.add(`${kernel.name} ${variant.name}`);
    for (const [key, { variant: used }] of this.#compiled) {
      if (key.startsWith(`${kernel.name} `) && used.name === variant.name) {
        this.#compiled.delete(key);
      }
    }
  }

  /**
   * Puts these variants first, in this order, for all decode steps or for prefill chunks: one choice for all decode
   * buckets, so that a row has the same bits alone and in a batch. Not while the kernel compiles.
   */
  prefer(kernel: Kernel, phase: Phase, variants: readonly string[]): void {
    this.#ranked.set(`${kernel.name} ${phase}`, variants);
    for (const bucket of [...ROW_BUCKETS, MAX_ROWS]) {
      if (phaseOf(bucket) === phase) this.#compiled.delete(keyOf(kernel, bucket));
    }
  }

  /** Variants that could run `bucket` rows and were not refused. Best first: preferred ones, those that suit, the others. */
  candidates(kernel: Kernel, bucket: number): readonly Variant[] {
    const allowed = kernel.variants.filter(
      ({ name, rows: [least, most] = [1, Number.POSITIVE_INFINITY] }) =>
        bucket >= least && bucket <= most && !this.#refused.has(`${kernel.name} ${name}`),
    );
    const runs = (variant: Variant) => (variant.runs ?? variant.suits)(this.traits);
    const preferred = allowed.filter((variant) => variant.name === this.#prefer && runs(variant));
    const ranked = (this.#ranked.get(`${kernel.name} ${phaseOf(bucket)}`) ?? []).flatMap((name) =>
      allowed.filter((variant) => variant.name === name && runs(variant)),
    );
    const suitable = allowed.filter((variant) => variant.suits(this.traits));
    return [...new Set([...preferred, ...ranked, ...suitable, ...allowed.filter(runs)])];
  }

  /** @param failure Why the one before did not compile: thrown when there is no other. */
  #variantOf(kernel: Kernel, bucket: number, failure: unknown): Variant {
    const [chosen] = this.candidates(kernel, bucket);
    if (!chosen && failure) throw failure;
    if (!chosen)
      throw new FennecError(
        "self-test-failed",
        `kernel ${kernel.name}: no variant gives right results for ${bucket} rows on this device. ` +
          `Please report the adapter (fennec doctor) and choose another backend.`,
      );
    return chosen;
  }

  #link(kernel: Kernel, variant: Variant, bucket: number) {
    const constants = variant.constants?.(bucket, this.traits) ?? {};
    return { constants, code: link(kernel.name, variant.parts, kernel.bindings, constants, variant.enable) };
  }

  async #compile(kernel: Kernel, bucket: number, key: string): Promise<CompiledKernel> {
    let failure: unknown;
    for (;;) {
      const variant = this.#variantOf(kernel, bucket, failure);
      try {
        const compiled = { variant, pipeline: await this.pipeline(kernel, variant, bucket) };
        this.#compiled.set(key, compiled);
        return compiled;
      } catch (error) {
        if (!isFennecError(error) || error.code !== "kernel-compile") throw error;
        failure = error;
        this.refuse(kernel, variant);
      }
    }
  }

  /** Compiles one variant, whatever is preferred. @throws FennecError `kernel-compile`. */
  async pipeline(kernel: Kernel, variant: Variant, bucket: number): Promise<GPUComputePipeline> {
    const { constants, code } = this.#link(kernel, variant, bucket);
    // What is wrong with the shader is told below, where another variant may still be right.
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ label: `${kernel.name}/${variant.name}`, code });
    void this.#device.popErrorScope();
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: `${kernel.name}/${variant.name}/${bucket}`,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [this.layout(kernel)] }),
        compute: { module, entryPoint: "main" },
      });
      this.#counters.pipelines++;
      return pipeline;
    } catch (cause) {
      const info = await module.getCompilationInfo();
      const messages = info.messages.map((m) => `  line ${m.lineNum}: ${m.message}\n${around(code, m.lineNum)}`);
      throw new FennecError(
        "kernel-compile",
        `kernel ${kernel.name}, variant ${variant.name}, constants ${JSON.stringify(constants)} does not compile: ` +
          `${cause instanceof Error ? cause.message : cause}\n${messages.join("\n")}`,
        { cause },
      );
    }
  }
}

function keyOf(kernel: Kernel, bucket: number): string {
  return `${kernel.name} ${bucket}`;
}

function around(code: string, line: number): string {
  const lines = code.split("\n");
  return lines
    .slice(Math.max(0, line - 3), line + 2)
    .map((text, index) => `    ${Math.max(0, line - 3) + index + 1} | ${text}`)
    .join("\n");
}
