// Software adapters for tests in Node: which driver files select them. Installed by test/adapters/setup.sh.

import { homedir } from "node:os";

const layer = process.env["FENNEC_ADAPTER_DIR"] ?? `${homedir()}/.cache/fennec-adapter`;

/** Environment that makes Dawn find exactly this adapter; set before Dawn starts. */
export const adapterEnvironment = {
  lavapipe: {
    VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
    VK_LAYER_PATH: layer,
    VK_INSTANCE_LAYERS: "VK_LAYER_lvpfix",
  },
  swiftshader: { VK_DRIVER_FILES: "/usr/lib/chromium/vk_swiftshader_icd.json" },
} as const;
