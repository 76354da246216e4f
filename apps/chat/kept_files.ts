// Copies of files that people chose, in the page's private folder (OPFS), so that they open again without choosing.
// Downloads are not here: the engine keeps those itself.

import { FennecError } from "@fennec/engine";
import type { KeptModel } from "./chat_state";

const FOLDER = "chosen-files";

/** Prefix of the ids of these models. */
const ID = "file:";

async function folder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

export function isKeptFile(model: KeptModel): boolean {
  return model.id.startsWith(ID);
}

export async function listKeptFiles(): Promise<readonly KeptModel[]> {
  const models: KeptModel[] = [];
  for await (const [name, handle] of await folder()) {
    if (handle.kind !== "file") continue;
    const { size } = await (handle as FileSystemFileHandle).getFile();
    models.push({ id: ID + name, name, bytes: size });
  }
  return models;
}

/**
 * Copies a file; it is there when this resolves, whole or not at all.
 * @throws FennecError `quota-exceeded`.
 */
export async function keepFile(file: File): Promise<KeptModel> {
  const model = { id: ID + file.name, name: file.name, bytes: file.size };
  const handle = await (await folder()).getFileHandle(file.name, { create: true });
  if ((await handle.getFile()).size === file.size) return model; // a copy of an earlier visit
  try {
    await file.stream().pipeTo(await handle.createWritable());
  } catch (cause) {
    await removeKeptFile(model);
    if (!(cause instanceof DOMException && cause.name === "QuotaExceededError")) throw cause;
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    throw new FennecError(
      "quota-exceeded",
      `${file.name} has ${file.size} bytes; this browser allows ${Math.max(0, quota - usage)} more. ` +
        "It runs now, but has to be chosen again next time.",
      { cause },
    );
  }
  return model;
}

export async function openKeptFile(model: KeptModel): Promise<File> {
  const handle = await (await folder()).getFileHandle(model.id.slice(ID.length));
  return handle.getFile();
}

export async function removeKeptFile(model: KeptModel): Promise<void> {
  await (await folder()).removeEntry(model.id.slice(ID.length));
}
