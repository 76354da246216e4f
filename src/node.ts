// The entry of the package in Node: the public API, with paths, a download folder and WebGPU registered.

import { registerNode } from "./node/register";

export * from "./index";

registerNode();
