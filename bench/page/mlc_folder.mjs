// Writes a model folder for WebLLM with the weights of a GGUF file (qwen2, matrices in Q4_0 without the level -8), for a
// library that MLC compiled:
//
//   node bench/page/mlc_folder.mjs MODEL.gguf LIBRARY.wasm FOLDER
//
// bench/page/run.mjs does the same when it is given --mlclib alone.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openModules } from "./modules.mjs";

/** @param load Of `openModules`. @returns Bytes written. */
export async function writeMlcFolder(load, { model, library, folder }) {
  const { mlcFiles } = await load("/bench/page/mlc_files.ts");
  const { readMlcLibrary } = await load("/bench/page/mlc_library.ts");
  const { openNodeFile } = await load("/src/files/node_file.ts");
  const { openWeights } = await load("/src/files/open.ts");
  const file = await openWeights(await openNodeFile(model));
  try {
    mkdirSync(folder, { recursive: true });
    let bytes = 0;
    for await (const { name, content } of mlcFiles(file, readMlcLibrary(readFileSync(library)))) {
      writeFileSync(join(folder, name), content);
      bytes += content.length;
    }
    return bytes;
  } finally {
    file.dispose();
  }
}

if (process.argv[1] === import.meta.filename) {
  const [model, library, folder] = process.argv.slice(2);
  if (!folder) {
    console.error("name three: MODEL.gguf LIBRARY.wasm FOLDER");
    process.exit(2);
  }
  const { load, close } = await openModules();
  try {
    const bytes = await writeMlcFolder(load, { model, library, folder });
    console.log(`${folder}: ${Math.round(bytes / 1e6)} MB`);
  } catch (error) {
    console.error(String(error.message ?? error));
    process.exitCode = 1;
  } finally {
    await close();
  }
}
