// Runs in Deno: a greedy reply of the built-in model on wgpu. Arguments: the engine's module, the model's file, tokens.

import type * as Fennec from "../../src/index";

declare const Deno: {
  readonly args: readonly [engine: string, model: string, tokens: string];
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  exit(status: number): never;
};

const [module, model, tokens] = Deno.args;
const { load }: typeof Fennec = await import(module);
const engine = await load(await Deno.readFile(model), { backend: "webgpu", precision: "exact" });
const request = { prompt: "Once upon a time", max_tokens: Number(tokens), temperature: 0 };
const reply = await engine.completions.create(request);
console.log(JSON.stringify({ adapter: engine.backend.adapter, text: reply.choices[0]!.text }));
engine.dispose();
Deno.exit(0);
