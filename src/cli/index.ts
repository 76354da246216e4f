// The program `fennec`: bin/fennec.js calls `run` of this module's build.

import { tmpdir } from "node:os";
import { registerNode } from "../node/register";
import { main } from "./main";
import { INTERRUPTED, processIo } from "./process_io";

/** Runs and ends the process: Dawn's threads would keep it alive. */
export async function run(argv: readonly string[]): Promise<never> {
  // Vulkan's loader complains on stderr where this is unset (containers, services), and then works all the same.
  if (process.platform === "linux") process.env.XDG_RUNTIME_DIR ??= tmpdir();
  registerNode();
  const io = processIo();
  const code = await main(argv, io);
  await io.out(""); // what was written before is out when this is
  process.exit(io.interrupted ? INTERRUPTED : code);
}
