// Test data by path, in Node from the disk and in a browser from vitest's server (test/support/file_routes.ts). A file
// that is not there is an error.

import { memorySource } from "../../src/files/memory_source";
import { openWeights } from "../../src/files/open";
import type { WeightsFile } from "../../src/files/weights_file";

/** `repository`: test/fixtures; `external`: the folder that FENNEC_FIXTURES names (`npm run test:fixtures`). */
export type FixtureFolder = "repository" | "external";

const inBrowser = typeof document !== "undefined";

/** @param path Below the folder, with slashes: `nano/llama-nano-F32.gguf`. */
export function readFixture(path: string, folder: FixtureFolder = "repository"): Promise<Uint8Array<ArrayBuffer>> {
  return inBrowser ? fetchFixture(path, folder) : readFromDisk(path, folder);
}

export async function readFixtureText(path: string, folder?: FixtureFolder): Promise<string> {
  return new TextDecoder().decode(await readFixture(path, folder));
}

/** Opens a model file, held in memory. */
export async function openFixtureModel(path: string, folder?: FixtureFolder): Promise<WeightsFile> {
  return openWeights(memorySource(await readFixture(path, folder), path));
}

async function fetchFixture(path: string, folder: FixtureFolder): Promise<Uint8Array<ArrayBuffer>> {
  const url = `${folder === "repository" ? "/fixtures" : "/external-fixtures"}/${path}`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function readFromDisk(path: string, folder: FixtureFolder): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = await import("node:fs/promises");
  if (folder === "repository") return new Uint8Array(await readFile(new URL(`../fixtures/${path}`, import.meta.url)));
  const root = process.env["FENNEC_FIXTURES"];
  if (!root) throw new Error(`${path}: set FENNEC_FIXTURES to the fixture folder (see README, Tests).`);
  return new Uint8Array(await readFile(`${root}/${path}`));
}
