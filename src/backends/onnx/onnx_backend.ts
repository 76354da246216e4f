// Where WebGPU is missing: the graph as an ONNX model on ONNX Runtime Web's processor kernels. Always exact: f32
// throughout, keys and values too. Slots of a step run one after the other; sampling is the twin on the CPU.

import { MAX_ROWS, PAGE_TOKENS } from "../../../kernels/common/batch";
import { checkSampler } from "../../../kernels/sample/slot";
import { FennecError } from "../../errors";
import type {
  Backend,
  BackendInput,
  BackendLimits,
  CacheGroup,
  Counters,
  Row,
  SlotState,
  StepBatch,
  StepOutput,
} from "../backend";
import { BatchChecker } from "../batch_checker";
import { cacheGroups } from "../cache_groups";
import { newCounters } from "../counters";
import { HostSlots } from "../host_slots";
import { Executor, type ExecutorInput } from "./executor";
import { KvStore } from "./kv";
import { loadRuntime, type RuntimeOptions } from "./load_runtime";
import { groupedFits } from "./lower_attention";
import { planMemory } from "./memory_plan";
import type { Runtime } from "./runtime";
import type { WeightChoice, WeightPlan } from "./weight_forms";
import { EmbeddingTable } from "./weights";

const OUTPUTS = 128;

/** Bytes of weights that fit the heap beside a second copy of themselves, both copies counted. */
const TWO_COPIES = 3 * 2 ** 30;

export interface OnnxOptions extends RuntimeOptions {
  /** Why it runs in place of WebGPU; told to whoever asks. */
  readonly reason?: string;
  /** `int8-dynamic` takes a quarter of f32's memory and is not exact; see the README for its error. Default `exact`. */
  readonly weights?: WeightChoice;
  /** Bytes of weights in the runtime at most; decides how many matrices are f32. What the heap allows when absent. */
  readonly weightBudget?: number;
  /** Bytes of weights handed over at once. */
  readonly partBytes?: number;
  /** Tokens in a page; the webgpu backend's when absent. */
  readonly pageTokens?: number;
}

/**
 * Loads a graph's weights into ONNX Runtime Web. Precision is always `exact`, keys and values f32.
 *
 * @throws FennecError `backend-unsupported` (the package is missing or has another version; an operation that the runtime
 *   refuses), `out-of-memory`, `file-unsupported`, `tensor-missing`, `tensor-not-finite`, `aborted` by the signal, and
 *   what reading the file throws.
 */
export async function createOnnxBackend(input: BackendInput, options: OnnxOptions = {}): Promise<Backend> {
  const { graph, file } = input;
  const { context, kvTokens, slots } = input.options;
  const plan = planMemory(graph, file, {
    context,
    kvTokens,
    slots,
    choice: options.weights,
    weightBudget: options.weightBudget,
  });
  const runtime = await loadRuntime(options);
  try {
    const sizes = { context: plan.context, kvTokens: plan.kvTokens };
    return await createOn(runtime, plan.weights, { ...input, options: { ...input.options, ...sizes } }, options);
  } catch (error) {
    runtime.release();
    throw error;
  }
}

async function createOn(
  runtime: Runtime,
  plan: WeightPlan,
  input: BackendInput,
  options: OnnxOptions,
): Promise<Backend> {
  const { graph, file } = input;
  const { signal, onProgress } = input.options;
  const tables = new Map<string, EmbeddingTable>();
  const reader = { file, tables, ...(signal && { signal }) };
  const bytesTotal = plan.bytes + plan.tableBytes;
  const progress = (bytesLoaded: number) => onProgress?.({ phase: "weights", bytesLoaded, bytesTotal });
  for (const node of graph.nodes)
    if (node.op === "embed" && !tables.has(node.weight.name))
      tables.set(node.weight.name, await EmbeddingTable.read(reader, node.weight));
  progress(plan.tableBytes);
  const executorInput: ExecutorInput = {
    graph,
    runtime,
    reader,
    plan,
    ...(options.partBytes !== undefined && { partBytes: options.partBytes }),
  };
  const main = await Executor.create(
    { ...executorInput, onPart: (bytes) => progress(plan.tableBytes + bytes) },
    groupedFits(graph) ? "grouped" : "masked",
  );
  const copying = runtime.inPlace ? "" : ", keys and values copied";
  const adapter = `ONNX Runtime Web ${runtime.version}, wasm, threads: ${runtime.threads}, ${plan.summary}${copying}`;
  return new OnnxBackend(input, options, executorInput, main, adapter);
}

class OnnxBackend implements Backend {
  readonly kind = "onnx";
  readonly precision = "exact";
  readonly kv = "f32";
  readonly adapter: string;
  readonly reason?: string;
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly counters: Counters = newCounters();
  readonly lost = new Promise<never>(() => {});
  readonly #executorInput: ExecutorInput;
  readonly #main: Executor;
  readonly #kv: KvStore;
  readonly #checker: BatchChecker;
  readonly #slots = new HostSlots();
  /** For rows that see later ones; its weights are a second copy, so it is made when the first such rows come. */
  #masked: Executor | undefined;
  #disposed = false;

  constructor(
    input: BackendInput,
    options: OnnxOptions,
    executorInput: ExecutorInput,
    main: Executor,
    adapter: string,
  ) {
    const { slots, context, kvTokens } = input.options;
    const { pageTokens = PAGE_TOKENS } = options;
    this.adapter = adapter;
    if (options.reason !== undefined) this.reason = options.reason;
    this.pageTokens = pageTokens;
    this.limits = { rows: MAX_ROWS, outputs: OUTPUTS, slots, context };
    const sizes = {
      pageTokens,
      headBytes: (headDim: number) => 4 * headDim,
      chunk: MAX_ROWS,
      slots,
      context,
      kvTokens,
    };
    this.groups = cacheGroups(input.graph, sizes);
    const { createTensor } = executorInput.runtime;
    this.#kv = new KvStore(input.graph.caches, this.groups, { pageTokens, slots, context, kvTokens, createTensor });
    this.#checker = new BatchChecker({ limits: this.limits, pageTokens, groups: this.groups, vocab: input.vocab });
    this.#executorInput = executorInput;
    this.#main = main;
    if (main.form === "masked") this.#masked = main;
  }

  get memory() {
    const { plan, runtime } = this.#executorInput;
    const weights = plan.bytes * this.#executors.length;
    const { bufferBytes, storedBytes } = this.#kv;
    return {
      weights: weights + plan.tableBytes,
      kv: bufferBytes + storedBytes,
      // The heap is as large as its busiest moment wanted it, and may serve other engines too.
      other: Math.max(0, runtime.heapBytes - weights - bufferBytes),
    };
  }

  openSlot(slot: number, state: SlotState): void {
    checkSampler(state.sampler);
    this.#checker.open(slot);
    this.counters.slotWrites++;
    this.#slots.open(slot, state);
  }

  step(batch: StepBatch): Promise<readonly StepOutput[]> {
    try {
      if (this.#disposed) throw disposed();
      this.#checker.check(batch);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#slots.inOrder(() => this.#run(batch));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    void this.#slots.inOrder(async () => {
      for (const executor of this.#executors) await executor.release();
      this.#kv.release();
      this.#executorInput.runtime.release();
    });
  }

  async #run({ rows, pages = [], pageCopies = [] }: StepBatch): Promise<readonly StepOutput[]> {
    if (this.#disposed) throw disposed();
    for (const page of pages) this.#kv.map(page);
    for (const { group, from, to } of pageCopies) this.#kv.copy(group, from, to);
    this.counters.pageWrites += pages.length;
    this.counters.submits++;
    const outputs: StepOutput[] = [];
    for (const own of bySlot(rows)) outputs.push(...(await this.#runSlot(own)));
    return outputs;
  }

  async #runSlot(rows: readonly Row[]): Promise<readonly StepOutput[]> {
    const { slot } = rows[0]!;
    const runRows = rows.map((row) => ({
      token: this.#slots.tokenOf(row),
      position: row.position,
      keyEnd: row.keyEnd ?? row.position + 1,
      wanted: row.want !== "nothing",
    }));
    const causal = runRows.every(({ position, keyEnd }) => keyEnd === position + 1);
    const end = rows.at(-1)!.position + 1;
    if (runRows.some(({ keyEnd }) => keyEnd > end))
      throw new FennecError(
        "invalid-argument",
        `step: a row of slot ${slot} sees keys beyond position ${end - 1}, the last of the step; the onnx backend needs ` +
          "all keys that a row sees in the step or before it.",
      );
    const executor = causal ? this.#main : await this.#maskedExecutor();
    const logits = await executor.run(runRows, slot, this.#kv);
    this.counters.dispatches++;
    this.counters.bytesRead += logits.byteLength;
    const wanted = rows.filter(({ want }) => want !== "nothing");
    const vocab = logits.length / wanted.length;
    return wanted.map((row, output) => this.#slots.answer(row, logits.slice(output * vocab, (output + 1) * vocab)));
  }

  get #executors(): readonly Executor[] {
    return this.#masked && this.#masked !== this.#main ? [this.#main, this.#masked] : [this.#main];
  }

  async #maskedExecutor(): Promise<Executor> {
    if (this.#masked) return this.#masked;
    const { plan } = this.#executorInput;
    if (2 * plan.bytes > TWO_COPIES)
      throw new FennecError(
        "out-of-memory",
        "step: rows with keyEnd need a second copy of the weights on the onnx backend, and both do not fit. Use WebGPU.",
      );
    this.#masked = await Executor.create(this.#executorInput, "masked");
    return this.#masked;
  }
}

function bySlot(rows: readonly Row[]): readonly (readonly Row[])[] {
  const runs: Row[][] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    if (last?.[0]?.slot === row.slot) last.push(row);
    else runs.push([row]);
  }
  return runs;
}

function disposed(): FennecError {
  return new FennecError("disposed", "step: this backend was disposed; make a new one.");
}
