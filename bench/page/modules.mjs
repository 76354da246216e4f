// The benchmark's TypeScript for programs that Node runs: read as Vite reads it.

import { resolve } from "node:path";
import { createServer } from "vite";

export const root = resolve(import.meta.dirname, "../..");

/** @returns What imports a module by its path in the repository ("/bench/shapes.ts"), and how to end. */
export async function openModules() {
  const server = await createServer({
    configFile: false,
    root,
    logLevel: "error",
    server: { middlewareMode: true, ws: false },
    appType: "custom",
    optimizeDeps: { noDiscovery: true },
  });
  return { load: (path) => server.ssrLoadModule(path), close: () => server.close() };
}
