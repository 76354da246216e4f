// Servers for the page tests: the chat page as `npm start` serves it, and a folder of models on another port. Node side
// only.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { sendFile } from "./file_routes";
import { repository } from "./packed";

export interface RunningServer {
  /** Ends with a slash. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Runs what `npm start` runs. @param args Of tools/start.mjs. */
export async function startPageServer(...args: readonly string[]): Promise<RunningServer> {
  const child = spawn(process.execPath, ["tools/start.mjs", ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await printedUrl(child);
  return {
    url,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}

async function printedUrl(child: ChildProcess): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line);
    const [url] = /http:\/\/\S+/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error(`npm start printed no URL:\n${lines.join("\n")}`);
}

/**
 * Serves a folder with byte ranges, to any origin.
 * @param bytesPerSecond Slows answers down, so that progress can be seen.
 */
export async function serveFolder(folder: string, bytesPerSecond?: number): Promise<RunningServer> {
  const server = createServer((request, response) =>
    sendFile(folder, (request.url ?? "/").slice(1), request, response, bytesPerSecond),
  );
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
