// Which browser the tests drive and with which flags. Node side only.

import { existsSync } from "node:fs";
import { hasSoftwareAdapters } from "./adapters.ts";

const candidates: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/opt/google/chrome/chrome"],
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  win32: [
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
  ],
};

/** An installed Chromium or Chrome; `FENNEC_CHROMIUM` names another. Missing is an error: browser tests never skip. */
export function chromiumPath(): string {
  const named = process.env.FENNEC_CHROMIUM;
  const paths = named ? [named] : (candidates[process.platform] ?? []);
  const found = paths.find((path) => existsSync(path));
  if (!found) {
    throw new Error(
      `No Chromium or Chrome at ${paths.join(", ")}. Install one (on Debian: npm run setup), ` +
        "or name its program in FENNEC_CHROMIUM.",
    );
  }
  return found;
}

/** Quiet: no background traffic, no first-run pages. As root Chromium's sandbox cannot start. */
const quiet = [
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/**
 * Flags for a browser with WebGPU. On Linux x64 that is always Chromium's SwiftShader, so that runs on different
 * machines agree; elsewhere it is the machine's own adapter.
 */
export const webgpuFlags: readonly string[] = [
  ...quiet,
  "--enable-unsafe-webgpu",
  ...(hasSoftwareAdapters ? ["--use-webgpu-adapter=swiftshader"] : []),
];

/** Flags for a browser where `navigator.gpu` gives no adapter. */
export const noWebgpuFlags: readonly string[] = [...quiet, "--disable-features=WebGPU", "--disable-gpu"];
