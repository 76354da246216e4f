// Runs a folder that export-onnx wrote by ONNX Runtime Web's public interface, with what Transformers.js feeds a decoder:
// token ids, a mask of ones, keys and values as the last call returned them. Knows config.json and nothing of Fennec.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-web/wasm";
import { argmax } from "./parity";

interface Config {
  readonly num_hidden_layers: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly "transformers.js_config": { readonly use_external_data_format: Readonly<Record<string, number>> };
}

export class OnnxFolder {
  readonly #session: ort.InferenceSession;
  readonly #config: Config;
  #past: Record<string, ort.Tensor> = {};
  #length = 0;

  /** @param name Of the file in `onnx/`: `model.onnx`, `model_q4.onnx`. */
  static async open(folder: string, name: string): Promise<OnnxFolder> {
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Config;
    const chunks = config["transformers.js_config"].use_external_data_format[name] ?? 0;
    const externalData = await Promise.all(
      Array.from({ length: chunks }, async (_, i) => {
        const path = `${name}_data${i === 0 ? "" : `_${i}`}`;
        return { path, data: new Uint8Array(await readFile(join(folder, "onnx", path))) };
      }),
    );
    ort.env.wasm.numThreads = 1;
    const model = new Uint8Array(await readFile(join(folder, "onnx", name)));
    const session = await ort.InferenceSession.create(model, { externalData, logSeverityLevel: 3 });
    return new OnnxFolder(session, config);
  }

  constructor(session: ort.InferenceSession, config: Config) {
    this.#session = session;
    this.#config = config;
    this.reset();
  }

  reset(): void {
    const { num_hidden_layers, num_key_value_heads, head_dim } = this.#config;
    this.#length = 0;
    this.#past = {};
    for (let layer = 0; layer < num_hidden_layers; layer++)
      for (const kind of ["key", "value"])
        this.#past[`past_key_values.${layer}.${kind}`] = new ort.Tensor("float32", new Float32Array(0), [
          1,
          num_key_value_heads,
          0,
          head_dim,
        ]);
  }

  /** Logits of the last `kept` rows, `[kept, vocab]`; of all rows for 0. */
  async step(tokens: readonly number[], kept: number): Promise<Float32Array> {
    this.#length += tokens.length;
    const int64 = (values: readonly number[], dims: number[]) =>
      new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
    const outputs = await this.#session.run({
      input_ids: int64(tokens, [1, tokens.length]),
      attention_mask: int64(new Array<number>(this.#length).fill(1), [1, this.#length]),
      num_logits_to_keep: int64([kept], []),
      ...this.#past,
    });
    for (const name of Object.keys(this.#past)) this.#past[name] = outputs[name.replace("past_key_values", "present")]!;
    const logits = outputs.logits!;
    const expected = [1, kept || tokens.length, this.#config.vocab_size];
    if (String(logits.dims) !== String(expected)) throw new Error(`logits [${logits.dims}], expected [${expected}]`);
    return logits.data as Float32Array;
  }

  async greedy(prompt: readonly number[], count: number): Promise<number[]> {
    this.reset();
    const ids: number[] = [];
    let next: readonly number[] = prompt;
    while (ids.length < count) {
      const id = argmax(await this.step(next, 1));
      ids.push(id);
      next = [id];
    }
    return ids;
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}
