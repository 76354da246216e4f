// Where this package lies on disk: the built-in model and the version are found from there, from the build as from the
// sources.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FennecError } from "../errors";

const NAME = "@fennec/engine";

function packageRoot(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (packageJson(folder)?.name === NAME) return folder;
  }
  return undefined;
}

function packageJson(folder: string): { name?: string; version?: string } | undefined {
  const path = join(folder, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

export function packageVersion(): string {
  const root = packageRoot();
  return (root && packageJson(root)?.version) ?? "unknown";
}

/** Path of the built-in model; undefined when this copy of the package comes without it. */
export function builtinModel(): string | undefined {
  const root = packageRoot();
  const path = root && join(root, "models", "builtin", "fennec-builtin.gguf");
  return path && existsSync(path) ? path : undefined;
}

/**
 * What MODEL means. `builtin`, or nothing at all, is the model of the package.
 * @throws FennecError `invalid-argument` when that is not there.
 */
export function resolveModel(model: string | undefined): string {
  if (model !== undefined && model !== "builtin") return model;
  const path = builtinModel();
  if (path) return path;
  throw new FennecError(
    "invalid-argument",
    model === undefined
      ? "name a model: a path, a URL, or hf:owner/repo/file.gguf"
      : "this copy of the package has no built-in model; name a path, a URL, or hf:owner/repo/file.gguf",
  );
}
