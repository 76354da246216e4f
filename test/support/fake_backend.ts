// A backend with a made-up model, for tests of everything above backends: pages are really written and really read
// through the page tables, and every key that a row may see is checked, so a wrong page, a missing copy or a page handed
// out too early fails at the step that reads it.
//
// The model: a token's key is the chained hash of the sequence up to it; the next token is drawn from the last hash. So
// `expectedReply` knows, from the tokens alone, what a correctly paged sequence must answer.

import type { SamplerSettings } from "../../kernels/sample/settings";
import {
  type Backend,
  type BackendLimits,
  type CacheGroup,
  type Counters,
  LAST_TOKEN,
  type Row,
  type SlotState,
  type StepBatch,
  type StepOutput,
} from "../../src/backends/backend";
import { newCounters } from "../../src/backends/counters";
import { FennecError } from "../../src/errors";

export interface FakeOptions {
  readonly vocab?: number;
  readonly pageTokens?: number;
  /** Windows of the cache groups; `undefined` is a group without one. */
  readonly windows?: readonly (number | undefined)[];
  /** Pages in each group's pool. */
  readonly pages?: readonly number[];
  readonly limits?: Partial<BackendLimits>;
  /** Overrides the made-up model: the next token after `tokens`. */
  readonly next?: (tokens: readonly number[]) => number;
  /** Called as a sequence is put into a slot; may throw. */
  readonly onOpen?: (slot: number, state: SlotState) => void;
  /** Called as each step is submitted, with its number from 0. */
  readonly onStep?: (step: number, batch: StepBatch) => void;
  /** Resolves when the results of a step may be handed out; at once when absent. */
  readonly delay?: (step: number) => Promise<void>;
}

interface Cell {
  readonly position: number;
  readonly tokens: readonly number[];
  readonly hash: number;
}

interface Slot {
  state: SlotState;
  lastToken: number;
  /** Where the row with the last token must be; -1 before the first sample. */
  nextPosition: number;
}

const START = 0x9e3779b9;

export class FakeBackend implements Backend {
  readonly kind = "reference";
  readonly precision = "exact";
  readonly kv = "f64";
  readonly adapter = "fake";
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly counters: Counters = newCounters();
  readonly memory = { weights: 0, kv: 0, other: 0 };
  readonly lost: Promise<{ readonly reason: string }>;
  readonly vocab: number;
  /** Rows of all steps, in order. */
  readonly rows: Row[] = [];
  /** Row counts of the steps. */
  readonly steps: number[] = [];
  /** Steps submitted whose results were not handed out yet, at most so far. */
  deepest = 0;
  copies = 0;
  /** What was put into slots, in order. */
  readonly opened: SlotState[] = [];
  disposed = false;
  lose: (reason: string) => void = () => undefined;
  /** Set to make the next step fail. */
  failNext: FennecError | undefined;
  readonly #options: FakeOptions;
  readonly #slots: (Slot | undefined)[];
  /** `[groups][slot][index]` → page. */
  readonly #tables: number[][][];
  /** `[groups][page][offset]`. */
  readonly #cells: (Cell | undefined)[][][];
  #lastBatch = "";
  #inFlight = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.vocab = options.vocab ?? 97;
    this.pageTokens = options.pageTokens ?? 4;
    this.limits = { rows: 16, outputs: 8, slots: 4, context: 64, ...options.limits };
    const windows = options.windows ?? [undefined];
    this.groups = windows.map((window, i) => ({
      layers: [i],
      pages: options.pages?.[i] ?? 64,
      pageBytes: 1,
      ...(window !== undefined && { window }),
    }));
    this.#slots = Array.from({ length: this.limits.slots }, () => undefined);
    this.#tables = this.groups.map(() => this.#slots.map(() => []));
    this.#cells = this.groups.map(({ pages }) => Array.from({ length: pages }, () => []));
    this.lost = new Promise((resolve) => {
      this.lose = (reason) => resolve({ reason });
    });
  }

  openSlot(slot: number, state: SlotState): void {
    if (!(slot in this.#slots)) throw fault(`slot ${slot} does not exist`);
    this.#options.onOpen?.(slot, state);
    this.opened.push(state);
    const before = this.#slots[slot]?.state.generation ?? 0;
    if (state.generation <= before) throw fault(`slot ${slot}: generation ${state.generation} after ${before}`);
    this.counters.slotWrites += 1;
    this.#slots[slot] = { state, lastToken: -1, nextPosition: -1 };
    for (const tables of this.#tables) tables[slot] = [];
  }

  async step(batch: StepBatch): Promise<readonly StepOutput[]> {
    if (this.disposed) throw new FennecError("disposed", "fake backend was disposed");
    const number = this.steps.length;
    this.steps.push(batch.rows.length);
    this.#options.onStep?.(number, batch);
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure) throw failure;
    this.#check(batch);
    this.#count(batch);
    const outputs = this.#run(batch);
    this.#inFlight += 1;
    this.deepest = Math.max(this.deepest, this.#inFlight);
    const before = this.#tail;
    const done = (async () => {
      await before;
      await this.#options.delay?.(number);
    })();
    this.#tail = done;
    await done;
    this.#inFlight -= 1;
    if (this.disposed) throw new FennecError("disposed", "fake backend was disposed");
    return outputs;
  }

  dispose(): void {
    this.disposed = true;
  }

  /** Rows with a token given by the host: what prefill cost. */
  get promptRows(): number {
    return this.rows.filter(({ token }) => token !== LAST_TOKEN).length;
  }

  /** What greedy decoding of a correctly paged sequence gives. */
  expectedReply(prompt: readonly number[], count: number, sampler?: SamplerSettings): number[] {
    const tokens = [...prompt];
    for (let i = 0; i < count; i++) tokens.push(this.#next(tokens, hashOf(tokens), sampler));
    return tokens.slice(prompt.length);
  }

  /** `[vocab]` logits after `tokens`. */
  expectedLogits(tokens: readonly number[]): Float32Array {
    return this.#logits(hashOf(tokens));
  }

  #run(batch: StepBatch): StepOutput[] {
    for (const { group, from, to } of batch.pageCopies ?? []) {
      this.copies += 1;
      this.#cells[group]![to] = [...this.#cells[group]![from]!];
    }
    for (const { group, slot, index, page } of batch.pages ?? []) this.#tables[group]![slot]![index] = page;
    const outputs: StepOutput[] = [];
    for (const row of batch.rows) {
      this.rows.push(row);
      const output = this.#row(row);
      if (output) outputs.push(output);
    }
    return outputs;
  }

  #row(row: Row): StepOutput | undefined {
    const slot = this.#slots[row.slot];
    if (!slot) throw fault(`slot ${row.slot} was never opened`);
    if (row.token === LAST_TOKEN && row.position !== slot.nextPosition)
      throw fault(`slot ${row.slot}: last token is for position ${slot.nextPosition}, the row says ${row.position}`);
    const token = row.token === LAST_TOKEN ? slot.lastToken : row.token;
    const cells = this.groups.map((_, group) => this.#write(group, row, token));
    const { tokens, hash } = cells[0]!;
    if (cells.some((cell) => cell.hash !== hash)) throw fault(`groups disagree about slot ${row.slot}`);
    if (row.want === "nothing") return undefined;
    if (row.want === "logits") return { want: "logits", slot: row.slot, logits: this.#logits(hash) };
    slot.lastToken = this.#next(tokens, hash, slot.state.sampler);
    slot.nextPosition = row.position + 1;
    return { want: "token", slot: row.slot, generation: slot.state.generation, token: slot.lastToken };
  }

  /** Writes the row's cell and checks all that it sees: each must follow from the one before. */
  #write(group: number, row: Row, token: number): Cell {
    const window = this.groups[group]!.window ?? Number.POSITIVE_INFINITY;
    const first = Math.max(0, row.position - window + 1);
    let before: Cell | undefined;
    for (let position = first; position < row.position; position++) {
      const cell = this.#cell(group, row.slot, position);
      if (cell?.position !== position) throw fault(`${where(group, row)}: key ${position} is not there`);
      if (before && cell.hash !== chain(before.hash, cell.tokens.at(-1)!))
        throw fault(`${where(group, row)}: key ${position} belongs to another sequence`);
      before = cell;
    }
    const tokens = [...(before?.tokens ?? []), token];
    if (tokens.length !== row.position + 1)
      throw fault(`${where(group, row)}: only ${tokens.length - 1} keys before it`);
    const cell = { position: row.position, tokens, hash: chain(before?.hash ?? START, token) };
    const page = this.#page(group, row.slot, row.position);
    this.#cells[group]![page]![row.position % this.pageTokens] = cell;
    return cell;
  }

  #cell(group: number, slot: number, position: number): Cell | undefined {
    return this.#cells[group]![this.#page(group, slot, position)]![position % this.pageTokens];
  }

  #page(group: number, slot: number, position: number): number {
    const page = this.#tables[group]![slot]![Math.floor(position / this.pageTokens)];
    if (page === undefined) throw fault(`group ${group}, slot ${slot}: position ${position} has no page`);
    return page;
  }

  #next(tokens: readonly number[], hash: number, sampler: SamplerSettings | undefined): number {
    if (this.#options.next) return this.#options.next(tokens);
    if (!sampler || sampler.temperature === 0) return hash % this.vocab;
    return chain(hash, Number(sampler.seed & 0xffff_ffffn)) % this.vocab;
  }

  #logits(hash: number): Float32Array {
    return Float32Array.from({ length: this.vocab }, (_, i) => (chain(hash, i) % 1000) / 100);
  }

  #check({ rows, pages, pageCopies }: StepBatch): void {
    const wants = rows.filter(({ want }) => want !== "nothing").length;
    if (rows.length === 0 || rows.length > this.limits.rows) throw fault(`a step of ${rows.length} rows`);
    if (wants > this.limits.outputs) throw fault(`a step of ${wants} outputs`);
    const closed = new Set<number>();
    rows.forEach((row, i) => {
      const before = rows[i - 1];
      if (before && before.slot !== row.slot) closed.add(before.slot);
      if (closed.has(row.slot)) throw fault(`rows of slot ${row.slot} are not consecutive`);
      if (row.position < 0 || row.position >= this.limits.context) throw fault(`position ${row.position}`);
      if (row.token !== LAST_TOKEN && !(row.token >= 0 && row.token < this.vocab)) throw fault(`token ${row.token}`);
    });
    for (const { group, page } of pages ?? []) this.#checkPage(group, page);
    for (const { group, from, to } of pageCopies ?? []) {
      this.#checkPage(group, from);
      this.#checkPage(group, to);
    }
  }

  #checkPage(group: number, page: number): void {
    if (!(page >= 0 && page < (this.groups[group]?.pages ?? 0))) throw fault(`group ${group} has no page ${page}`);
  }

  #count(batch: StepBatch): void {
    this.counters.submits += 1;
    this.counters.pageWrites += batch.pages?.length ?? 0;
    const shape = batch.rows.map(({ slot, token, want }) => (token === LAST_TOKEN ? `${slot}${want}` : "new")).join();
    if (shape !== this.#lastBatch || shape.includes("new")) this.counters.batchWrites += 1;
    this.#lastBatch = shape;
  }
}

function chain(hash: number, token: number): number {
  let h = Math.imul(hash ^ (token + 0x7f4a7c15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hashOf(tokens: readonly number[]): number {
  return tokens.reduce(chain, START);
}

function where(group: number, { slot, position }: Row): string {
  return `group ${group}, slot ${slot}, position ${position}`;
}

function fault(message: string): Error {
  return new Error(`fake backend: ${message}`);
}
