// Adapters for tests in Node: which there are on this system and what environment selects each. Installed by
// test/adapters/setup.sh. Node side only.

import { homedir, tmpdir } from "node:os";

const layer = process.env.FENNEC_ADAPTER_DIR ?? `${homedir()}/.cache/fennec-adapter`;

/** The Vulkan loader writes a complaint to stderr where this is unset. */
const common = { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };

/** Environment that makes Dawn find exactly this adapter; set before Dawn starts. */
export const adapterEnvironment = {
  /** Mesa's: shader-f16, subgroups of 8, bindings of 128 MiB. */
  lavapipe: {
    ...common,
    VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
    VK_LAYER_PATH: layer,
    VK_INSTANCE_LAYERS: "VK_LAYER_lvpfix",
  },
  /** Chromium's: no f16, subgroups of 4, slow pipelines. Another copy can be named, as Chrome brings one too. */
  swiftshader: {
    ...common,
    VK_DRIVER_FILES: process.env.FENNEC_SWIFTSHADER_ICD ?? "/usr/lib/chromium/vk_swiftshader_icd.json",
  },
  /** One with subgroup matrices, where FENNEC_MATRIX_DRIVER names its Vulkan driver file: see test/adapters/matrix.sh. */
  matrix: { ...common, VK_DRIVER_FILES: process.env.FENNEC_MATRIX_DRIVER ?? "" },
} as const;

export const hasMatrixAdapter = !!process.env.FENNEC_MATRIX_DRIVER;

/** Software adapters exist for Linux on x64; elsewhere tests run on the machine's own. */
export const hasSoftwareAdapters = process.platform === "linux" && process.arch === "x64";
