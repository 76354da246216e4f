// Transformers.js in its worker, metered.

import "./meter_here";
import { AutoModelForCausalLM, AutoTokenizer, env, TextStreamer } from "@huggingface/transformers";
import factory from "../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasm from "../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm?url";
import type { FromTransformers, ToTransformers } from "./transformers_protocol";

/** Where local files seem to be. */
const LOCAL = "/transformers-local/";
const LOCAL_MODEL = "chosen/model";

type Tokenizer = Awaited<ReturnType<typeof AutoTokenizer.from_pretrained>>;
type Model = Awaited<ReturnType<typeof AutoModelForCausalLM.from_pretrained>>;
let loaded: { readonly tokenizer: Tokenizer; readonly model: Model } | undefined;

const post = (message: FromTransformers) => self.postMessage(message);

self.onmessage = async ({ data }: MessageEvent<ToTransformers>) => {
  try {
    if (data.type === "load") await load(data);
    else await reply(data.prompt, data.tokens);
  } catch (error) {
    post({ type: "error", message: error instanceof Error ? error.message : String(error) });
  }
};

async function load({ source, device, dtype, threads }: Extract<ToTransformers, { type: "load" }>): Promise<void> {
  const here = (url: string) => new URL(url, self.location.href).href;
  // The runtime's own object: another in its place would not be seen.
  Object.assign(env.backends.onnx.wasm ?? {}, {
    numThreads: threads,
    wasmPaths: { mjs: here(factory), wasm: here(wasm) },
  });
  env.useWasmCache = false;
  const name = sourceOf(source);
  const options = { device, ...(dtype !== undefined && { dtype }) };
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const model = await AutoModelForCausalLM.from_pretrained(name, options);
  loaded = { tokenizer, model };
  post({ type: "ready" });
}

/** Names on the hub stay as they are; chosen files and folders on a server answer for a local model. */
function sourceOf(source: readonly File[] | string): string {
  if (typeof source === "string" && !/^(https?:|\/|\.)/.test(source)) return source;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = LOCAL;
  env.useBrowserCache = false;
  const original = env.fetch;
  env.fetch = async (input, init) => {
    const [, path] = String(input).split(`${LOCAL}${LOCAL_MODEL}/`);
    if (path === undefined) return original(input, init);
    if (typeof source === "string") return fetch(new URL(path, source), init);
    const file = source.find(({ name, webkitRelativePath }) => (webkitRelativePath || name).endsWith(path));
    return file ? new Response(file) : new Response(null, { status: 404 });
  };
  return LOCAL_MODEL;
}

async function reply(prompt: string, tokens: number): Promise<void> {
  if (!loaded) throw new Error("no model is loaded");
  const { tokenizer, model } = loaded;
  const inputs = tokenizer(prompt);
  const streamer = new TextStreamer(tokenizer, {
    skip_prompt: true,
    callback_function: () => undefined,
    token_callback_function: () => post({ type: "token" }),
  });
  const output = await model.generate({
    ...inputs,
    max_new_tokens: tokens,
    min_new_tokens: tokens,
    do_sample: false,
    streamer,
  });
  const ids = output[0].tolist() as bigint[];
  const promptTokens = inputs.input_ids.dims[1];
  const decode = (part: bigint[]): string => tokenizer.decode(part, { skip_special_tokens: true });
  // The text of a reply alone may lack its first blank: the whole has it.
  const text = decode(ids).slice(decode(ids.slice(0, promptTokens)).length);
  post({ type: "done", text, promptTokens, tokens: ids.length - promptTokens });
}
