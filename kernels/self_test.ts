// Small cases for any kernel of a plan, for the self-test on a user's device. Imported when a model is loaded, not with
// the package.

import type { CacheType } from "./common/kv";
import type { Kernel } from "./kernel";
import type { linear } from "./linear/linear";
import type { KernelCase } from "./testing";

/** Kernels that are made per head: their cases are made to measure. */
const MEASURED: readonly {
  readonly name: RegExp;
  readonly cases: (match: RegExpExecArray) => Promise<readonly KernelCase[]>;
}[] = [
  {
    name: /^attention_(f32|f16|int8)_(\d+)$/,
    cases: async ([, kv, headDim]) => {
      const { smallAttentionCases } = await import("./attention/cases");
      return smallAttentionCases(kv as CacheType, Number(headDim));
    },
  },
  {
    name: /^decode_attention_(f32|f16|int8)_(\d+)_x(\d+)(_norm)?$/,
    cases: async ([, kv, headDim, group, norm]) => {
      const { smallDecodeCases } = await import("./decode_attention/cases");
      return smallDecodeCases(kv as CacheType, {
        headDim: Number(headDim),
        headNorm: !!norm,
        group: Number(group),
      });
    },
  },
  {
    name: /^attention_combine_(\d+)$/,
    cases: async ([, headDim]) => {
      const { smallCombineCases } = await import("./attention_combine/cases");
      return smallCombineCases(Number(headDim));
    },
  },
  {
    name: /^prepare_qkv_(f32|f16|int8)_(\d+)(_norm)?$/,
    cases: async ([, kv, headDim, norm]) => {
      const { smallPrepareCases } = await import("./prepare_qkv/cases");
      return smallPrepareCases(kv as CacheType, Number(headDim), !!norm);
    },
  },
];

const files = import.meta.glob<{ readonly cases: readonly KernelCase[] }>("./*/cases.ts");

/**
 * Cases of exactly this kernel: with one row, and with more than a decode step has (which may be another variant),
 * where the kernel works on rows. The least data that there is.
 */
export async function selfTestCases(kernel: Kernel): Promise<readonly KernelCase[]> {
  if (kernel.name.startsWith("linear_")) {
    const { smallLinearCases } = await import("./linear/cases");
    return smallLinearCases(...(kernel.madeFrom as Parameters<typeof linear>));
  }
  for (const { name, cases } of MEASURED) {
    const match = name.exec(kernel.name);
    if (match) return cases(match);
  }
  const all = await Promise.all(Object.values(files).map(async (load) => (await load()).cases));
  const own = all.flat().filter((c) => c.kernel.name === kernel.name);
  const least = own.sort((a, b) => words(a) - words(b));
  const one = least.find((c) => (c.rows ?? 1) === 1) ?? least[0];
  const many = least.find((c) => (c.rows ?? 1) > 16);
  return [...new Set([one, many])].filter((c) => c !== undefined);
}

function words({ buffers }: KernelCase): number {
  return Object.values(buffers).reduce((sum, b) => sum + ("words" in b ? b.words : b.byteLength / 4), 0);
}
