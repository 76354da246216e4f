// The package as npm would publish it, installed into a folder of its own, with its dependencies and nothing else.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const repository = resolve(import.meta.dirname, "../..");

/** Brings dist/ up to date, as `npm test` does before the tests. */
export function buildIfStale(): void {
  execFileSync(process.execPath, ["tools/build.mjs", "--if-stale"], { cwd: repository, stdio: "pipe" });
}

export interface Consumer {
  /** A folder with a package.json and `node_modules/@fennec/engine`. */
  readonly folder: string;
  readonly tarball: string;
  /** The installed package. */
  readonly packageFolder: string;
  /** Runs a program's text as an ES module in this folder. @param env Added to this process's environment. */
  run(
    text: string,
    env?: Readonly<Record<string, string>>,
  ): { readonly stdout: string; readonly stderr: string; readonly status: number | null };
  dispose(): void;
}

/** Packs the repository and unpacks it as an application's dependency. */
export function installPacked(): Consumer {
  buildIfStale();
  const folder = mkdtempSync(join(tmpdir(), "fennec-consumer-"));
  const packageFolder = join(folder, "node_modules/@fennec/engine");
  mkdirSync(packageFolder, { recursive: true });
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    cwd: repository,
    shell: process.platform === "win32",
  });
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  execFileSync("tar", ["xzf", tarball, "-C", packageFolder, "--strip-components=1"]);
  for (const name of ["@huggingface", "webgpu"]) {
    const target = join(repository, "node_modules", name);
    if (existsSync(target)) symlinkSync(target, join(folder, "node_modules", name), "junction");
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));

  return {
    folder,
    tarball,
    packageFolder,
    run(text, env) {
      writeFileSync(join(folder, "program.mjs"), text);
      const { stdout, stderr, status } = spawnSync(process.execPath, ["program.mjs"], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, ...env },
      });
      return { stdout, stderr, status };
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
