// fennec doctor: whether models run here, and what would make them run better.

import type { Verdict } from "../backends/webgpu/verdicts";
import { FennecError } from "../errors";
import { defaultCacheFolder } from "../files/node_cache";
import { platformGpu } from "../platform";
import { type AdapterProbe, probe } from "../probe";
import { type Command, table } from "./command";
import { findingsText } from "./findings_text";
import { bytes } from "./format";
import { builtinModel, packageVersion } from "./package_root";

/** What a feature is for, and what stands in when it is missing. */
const FEATURES: readonly (readonly [feature: string, use: string])[] = [
  ["shader-f16", "plain reads of keys and values, which fast keeps as f16; without it they are unpacked from pairs"],
  ["subgroups", "faster sums within a workgroup; without it workgroup memory is used"],
  ["timestamp-query", "times of single kernels, for tuning and benchmarks; without it the host's clock is used"],
];

export const doctor: Command = {
  name: "doctor",
  summary: "Adapters, features and limits, what is missing and how to get it.",
  model: false,
  options: { json: { help: "as JSON" } },
  async run(args, io) {
    const found = await probe();
    const findings = found.webgpu ? await findingsHere() : {};
    const report = {
      fennec: packageVersion(),
      node: process.version,
      system: `${process.platform} ${process.arch}`,
      builtinModel: builtinModel() ?? null,
      cacheFolder: await defaultCacheFolder(),
      ...found,
      refusedVariants: findings.selfTest?.refused ?? {},
      tunedKernels: findings.tuning ?? {},
    };
    const general: readonly (readonly [string, string])[] = [
      ["fennec", report.fennec],
      ["node", report.node],
      ["system", report.system],
      ["built-in model", report.builtinModel ?? "not part of this copy"],
      ["downloads", report.cacheFolder],
      ["WebGPU", found.webgpu ? "yes" : `no: ${found.reason} ${advice()}`],
      ...(found.backend === "onnx" ? [["runs on", "the processor, by ONNX Runtime: exact, and slower"] as const] : []),
    ];
    const adapter = found.adapter ? adapterText(found.adapter) + findingsText(findings) : "";
    await io.out(args.has("json") ? `${JSON.stringify(report, null, 2)}\n` : table(general) + adapter);
    if (!found.backend) throw new FennecError("webgpu-missing", `${found.reason} ${advice()}`);
  },
};

function adapterText({ name, software, features, limits }: AdapterProbe): string {
  const rows: (readonly [string, string])[] = [
    ["adapter", name],
    ["drawn by", software ? "the processor: it works, slowly. For speed install the GPU's Vulkan driver" : "a GPU"],
    ["largest buffer", bytes(limits.maxBufferSize)],
    ["largest binding", bytes(limits.maxStorageBufferBindingSize)],
    ["storage buffers", `${limits.maxStorageBuffersPerShaderStage} a kernel (8 are needed)`],
    [
      "workgroup",
      `${limits.maxComputeInvocationsPerWorkgroup} invocations, ${bytes(limits.maxComputeWorkgroupStorageSize)}`,
    ],
    ...FEATURES.map(([feature, use]) => [feature, features.includes(feature) ? "yes" : `no: ${use}`] as const),
    ["all features", features.join(" ")],
  ];
  return table(rows);
}

/** Nothing where the device does not open: models will say so when they are loaded. */
async function findingsHere(): Promise<Verdict> {
  try {
    const gpu = await platformGpu();
    if (!gpu) return {};
    const { deviceFindings } = await import("../backends/webgpu/findings");
    return await deviceFindings(gpu);
  } catch {
    return {};
  }
}

function advice(): string {
  if (process.platform !== "linux") return "Update the graphics driver.";
  return "On Linux install a Vulkan driver, for example: apt-get install libvulkan1 mesa-vulkan-drivers";
}
