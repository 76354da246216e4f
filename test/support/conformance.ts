// What every backend's step() must do, as one suite. It runs on the nano Gemma 3: five windowed layers and one global
// one, so two cache groups; its window of 64 tokens is two pages.
//
// Everything is compared with the same backend computing the same thing plainly (a sequence alone, in one go); that the
// plain way is right is the parity tests' business. Only bidirectional rows are compared with the reference.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSampler, sampleReference } from "../../kernels/sample/reference";
import { GREEDY, type SamplerSettings } from "../../kernels/sample/settings";
import {
  type Backend,
  type BackendInput,
  LAST_TOKEN,
  type PageWrite,
  type Row,
  type StepOutput,
} from "../../src/backends/backend";
import { createReferenceBackend } from "../../src/backends/reference/index";
import { harmless, refusals } from "./conformance_refusals";
import { TestPages } from "./pages";
import { argmax, compareLogits, logitsOf, openParityFixture, type ParityFixture } from "./parity";
import { feed, generationOf, lastLogits, rowsOf, tokenOf } from "./steps";

const MODEL = "nano/gemma3-nano-F16";
const SLOTS = 4;
const CONTEXT = 128;

/** Different ways through the same sums in f32. Random weights amplify rounding, hence not smaller. */
const NMSE = 1e-9;

/** @param create Makes the backend under test in precision `exact` with f32 keys and values. */
export function describeBackend(name: string, create: (input: BackendInput) => Promise<Backend>): void {
  describe(`${name} keeps the contract of step()`, () => {
    let fixture: ParityFixture;
    let backend: Backend;
    let input: BackendInput;

    beforeAll(async () => {
      fixture = await openParityFixture(MODEL);
      input = {
        graph: fixture.graph,
        file: fixture.file,
        vocab: fixture.config.vocab,
        options: { precision: "exact", kv: "f32", kvTokens: SLOTS * CONTEXT, context: CONTEXT, slots: SLOTS },
      };
      backend = await create(input);
    });

    afterAll(() => backend.dispose());

    const open = (slot: number, generation = 1) => backend.openSlot(slot, { generation, sampler: GREEDY, history: [] });

    /** A sequence's tokens; sequences differ from their first token on. */
    const sequence = (seed: number, length: number): number[] =>
      Array.from({ length }, (_, i) => fixture.tokens[(i * (2 * seed + 1) + 17 * seed) % fixture.tokens.length]!);

    /** Logits after the last token, from a fresh sequence fed in chunks of 16. */
    const plain = async (tokens: readonly number[], slot = 0): Promise<Float32Array> => {
      open(slot);
      return lastLogits(await feed(backend, tokens, { slot, chunk: 16 }));
    };

    const expectSame = (got: Float32Array, want: Float32Array, bound = NMSE): void => {
      const { nmse, top1 } = compareLogits(got, want, fixture.config.vocab);
      expect(nmse).toBeLessThanOrEqual(bound);
      expect(top1).toBe(1);
    };

    test("has a cache group per window, with all layers in one of them", () => {
      expect(backend.groups.flatMap(({ layers }) => layers).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(backend.groups.map(({ window }) => window)).toEqual([64, undefined]);
      for (const { pages, pageBytes } of backend.groups) {
        expect(pages).toBeGreaterThanOrEqual(SLOTS);
        expect(pageBytes).toBeGreaterThan(0);
      }
    });

    test("four sequences decoded in one batch give what each gives alone, bit for bit", async () => {
      const sequences = [9, 33, 64, 70].map((length, slot) => sequence(slot, length));
      const alone: Float32Array[] = [];
      const pages = new TestPages(backend);
      // Prompts alone; the last token of each is decoded once alone and once in the batch, at the same position.
      for (const [slot, tokens] of sequences.entries()) {
        open(slot);
        await feed(backend, tokens.slice(0, -1), { slot, chunk: 16, pages });
        const row = { slot, token: tokens.at(-1)!, position: tokens.length - 1, want: "logits" } as const;
        alone.push(lastLogits(await backend.step({ rows: [row], pages: pages.grow(slot, tokens.length) })));
      }
      const rows = sequences.map(
        (tokens, slot): Row => ({ slot, token: tokens.at(-1)!, position: tokens.length - 1, want: "logits" }),
      );
      const outputs = await backend.step({ rows });
      expect(outputs.map(({ slot }) => slot)).toEqual([0, 1, 2, 3]);
      outputs.forEach((output, slot) => {
        expect(lastLogits([output])).toEqual(alone[slot]);
      });
    });

    test("prompts of several sequences in one step", async () => {
      const sequences = [11, 3, 12].map((length, slot) => sequence(slot, length));
      const wanted: Float32Array[] = [];
      for (const tokens of sequences) wanted.push(await plain(tokens));
      const pages = new TestPages(backend);
      for (const slot of sequences.keys()) open(slot);
      const outputs = await backend.step({
        rows: sequences.flatMap((tokens, slot) => rowsOf(tokens, { slot })),
        pages: sequences.flatMap((tokens, slot) => pages.grow(slot, tokens.length)),
      });
      outputs.forEach((output, slot) => {
        expectSame(lastLogits([output]), wanted[slot]!);
      });
    });

    test.each([1, 5, 30])("chunks of %i rows give the same logits", async (chunk) => {
      const tokens = sequence(1, 75); // longer than the window, three pages
      const wanted = await plain(tokens);
      open(1);
      expectSame(lastLogits(await feed(backend, tokens, { slot: 1, chunk })), wanted);
    });

    test("rewound: positions are used again with other tokens", async () => {
      const first = sequence(0, 50);
      const other = [...first.slice(0, 29), ...sequence(2, 20)];
      const wanted = await plain(other, 1);
      const pages = new TestPages(backend);
      open(0);
      await feed(backend, first, { chunk: 16, pages });
      const outputs = await feed(backend, other, { chunk: 16, pages, from: 29 });
      expectSame(lastLogits(outputs), wanted);
    });

    test("forked: full pages shared, the partly filled one copied, both go on", async () => {
      const common = sequence(3, backend.pageTokens + 8);
      const [left, right] = [0, 1].map((seed) => [...common, ...sequence(seed, 6)]) as [number[], number[]];
      const wantedLeft = await plain(left, 2);
      const wantedRight = await plain(right, 2);

      const pages = new TestPages(backend);
      open(0);
      await feed(backend, common, { slot: 0, chunk: 16, pages });
      open(1);
      const partly = Math.floor(common.length / backend.pageTokens); // index of the page that is not full
      const own = pages.grow(1, right.length).filter(({ index }) => index >= partly);
      const shared = backend.groups.flatMap((_, group) =>
        Array.from({ length: partly }, (_, index): PageWrite => {
          return { group, slot: 1, index, page: pages.pageOf(group, 0, index) };
        }),
      );
      const pageCopies = own
        .filter(({ index }) => index === partly)
        .map(({ group, page }) => ({ group, from: pages.pageOf(group, 0, partly), to: page }));
      expect(pageCopies).toHaveLength(backend.groups.length);
      // The original goes on in the same step as the copy: copies come before rows.
      const outputs = await backend.step({
        pages: [...pages.grow(0, left.length), ...shared, ...own],
        pageCopies,
        rows: [...rowsOf(left, { slot: 0, from: common.length }), ...rowsOf(right, { slot: 1, from: common.length })],
      });
      expectSame(lastLogits([outputs[0]!]), wantedLeft);
      expectSame(lastLogits([outputs[1]!]), wantedRight);
    });

    test("a window's old pages hold new tokens", async () => {
      const tokens = sequence(1, 110);
      const wanted = await plain(tokens);
      // A row sees 64 tokens, on three pages of 32 at most.
      const ring = Math.ceil((64 - 1) / backend.pageTokens) + 1;
      expect(Math.ceil(tokens.length / backend.pageTokens), "the ring must come round").toBeGreaterThan(ring);
      const pages = new TestPages(backend, ring);
      open(2);
      expectSame(lastLogits(await feed(backend, tokens, { slot: 2, chunk: 1, pages })), wanted);
    });

    test("sampled tokens are fed back without the host, several steps in flight", async () => {
      const prompts = [sequence(0, 12), sequence(1, 20)];
      const steps = 8;
      const wanted = [];
      for (const prompt of prompts) wanted.push(await greedyByHost(prompt, steps));

      const pages = new TestPages(backend);
      const submissions: Promise<readonly StepOutput[]>[] = [];
      for (const slot of prompts.keys()) open(slot, 7 + slot);
      submissions.push(
        backend.step({
          rows: prompts.flatMap((tokens, slot) => rowsOf(tokens, { slot, want: "token" })),
          pages: prompts.flatMap((tokens, slot) => pages.grow(slot, tokens.length + steps)),
        }),
      );
      for (let n = 0; n < steps - 1; n++) {
        const rows = prompts.map((tokens, slot): Row => {
          return { slot, token: LAST_TOKEN, position: tokens.length + n, want: "token" };
        });
        submissions.push(backend.step({ rows }));
      }
      const results = await Promise.all(submissions);
      for (const outputs of results) expect(outputs.map(generationOf)).toEqual([7, 8]);
      const got = prompts.map((_, slot) => results.map((outputs) => tokenOf(outputs[slot]!)));
      expect(got).toEqual(wanted);
    });

    /** Greedy continuation by argmax of logits on the host. */
    const greedyByHost = async (prompt: readonly number[], steps: number): Promise<number[]> => {
      const tokens = [...prompt];
      const pages = new TestPages(backend);
      open(3);
      let logits = lastLogits(await feed(backend, tokens, { slot: 3, chunk: 16, pages }));
      for (let n = 0; n < steps; n++) {
        tokens.push(argmax(logits));
        logits = lastLogits(await feed(backend, tokens, { slot: 3, chunk: 1, pages, from: tokens.length - 1 }));
      }
      return tokens.slice(prompt.length);
    };

    test.each<[string, Partial<SamplerSettings>]>([
      ["a temperature and a seed", { temperature: 1.5, seed: 7n }],
      ["another seed", { temperature: 1.5, seed: 0xdead_beef_0000_0001n }],
      ["top-k, top-p and min-p", { temperature: 4, topK: 40, topP: 0.9, minP: 0.01, seed: 3n }],
      ["penalties over prompt and reply", { repetitionPenalty: 1.3, frequencyPenalty: 0.5, presencePenalty: 0.4 }],
      [
        "biases",
        {
          logitBias: new Map([
            [5, 100],
            [9, 99.5],
          ]),
          frequencyPenalty: 2,
        },
      ],
    ])("samples with %s as the twin on the CPU does from the same logits", async (_, settings) => {
      const prompt = sequence(1, 10);
      const state = { generation: 3, sampler: { ...GREEDY, ...settings }, history: prompt };
      const steps = 8;
      const twin = createSampler(state);
      const pages = new TestPages(backend);
      const wanted: number[] = [];
      open(0);
      for (let n = 0; n < steps; n++) {
        const from = n === 0 ? 0 : prompt.length + n - 1;
        const tokens = [...prompt, ...wanted];
        const logits = lastLogits(await feed(backend, tokens, { chunk: 16, pages, from }));
        wanted.push(sampleReference(logits, twin, tokens.length - 1));
      }
      backend.openSlot(0, state);
      const first = await backend.step({ rows: rowsOf(prompt, { want: "token" }) });
      const got = [tokenOf(first[0]!)];
      for (let n = 0; n < steps - 1; n++) {
        const row: Row = { slot: 0, token: LAST_TOKEN, position: prompt.length + n, want: "token" };
        got.push(tokenOf((await backend.step({ rows: [row] }))[0]!));
      }
      expect(got).toEqual(wanted);
    });

    test("a token given by the host takes the place of the sampled one", async () => {
      const tokens = sequence(0, 10);
      const wanted = await plain([...tokens, 5]);
      const pages = new TestPages(backend);
      open(0);
      await backend.step({ rows: rowsOf(tokens, { slot: 0, want: "token" }), pages: pages.grow(0, 11) });
      expectSame(lastLogits(await backend.step({ rows: rowsOf([...tokens, 5], { slot: 0, from: 10 }) })), wanted);
    });

    test("outputs come for the rows that want them, in their order", async () => {
      const tokens = sequence(2, 9);
      const all = await logitsOf(backend, tokens, 16);
      const pages = new TestPages(backend);
      open(0);
      open(1, 42);
      const wants = tokens.map((_, i) => i === 2 || i === 7);
      const outputs = await backend.step({
        rows: [
          ...tokens.map((token, position): Row => {
            return { slot: 0, token, position, want: wants[position] ? "logits" : "nothing" };
          }),
          ...rowsOf(tokens, { slot: 1, want: "token" }),
        ],
        pages: [...pages.grow(0, 9), ...pages.grow(1, 9)],
      });
      const { vocab } = fixture.config;
      expect(outputs.map(({ want, slot }) => `${want} ${slot}`)).toEqual(["logits 0", "logits 0", "token 1"]);
      expectSame(lastLogits([outputs[0]!]), all.subarray(2 * vocab, 3 * vocab));
      expectSame(lastLogits([outputs[1]!]), all.subarray(7 * vocab, 8 * vocab));
      expect(outputs[2]).toEqual({ want: "token", slot: 1, generation: 42, token: argmax(all.subarray(8 * vocab)) });
    });

    test("a step that wants nothing gives nothing, and is not lost", async () => {
      const tokens = sequence(1, 20);
      const wanted = await plain(tokens);
      const pages = new TestPages(backend);
      open(0);
      const silent = rowsOf(tokens.slice(0, 19), { slot: 0, want: "nothing" });
      expect(await backend.step({ rows: silent, pages: pages.grow(0, 20) })).toEqual([]);
      expectSame(lastLogits(await backend.step({ rows: rowsOf(tokens, { slot: 0, from: 19 }) })), wanted);
    });

    test("keyEnd of a causal row is its position + 1", async () => {
      const tokens = sequence(0, 14);
      const wanted = await plain(tokens);
      const pages = new TestPages(backend);
      open(0);
      const rows = rowsOf(tokens, { slot: 0 }).map((row) => ({ ...row, keyEnd: row.position + 1 }));
      expectSame(lastLogits(await backend.step({ rows, pages: pages.grow(0, 14) })), wanted);
    });

    test.each([
      ["all rows of the step (bidirectional)", (_: number, length: number) => length],
      ["the first three rows only", (_: number, __: number) => 3],
    ])("keyEnd: %s", async (_, keyEnd) => {
      const tokens = sequence(0, 14);
      const rows = rowsOf(tokens, { slot: 0, from: 0 }).map((row, i): Row => {
        return { ...row, keyEnd: keyEnd(i, tokens.length), want: i === 1 || i === 13 ? "logits" : "nothing" };
      });
      const run = async (subject: Backend) => {
        subject.openSlot(0, { generation: 1, sampler: GREEDY, history: [] });
        return subject.step({ rows, pages: new TestPages(subject).grow(0, 14) });
      };
      const reference = await createReferenceBackend(input);
      const wanted = await run(reference);
      reference.dispose();
      const got = await run(backend);
      got.forEach((output, i) => {
        expectSame(lastLogits([output]), lastLogits([wanted[i]!]));
      });
      // And it is not what causal rows give: row 1 sees later tokens, or row 13 misses most.
      const causal = await logitsOf(backend, tokens, 16);
      const { vocab } = fixture.config;
      const differs = [1, 13].some((row, i) => {
        const alone = causal.subarray(row * vocab, (row + 1) * vocab);
        return compareLogits(lastLogits([got[i]!]), alone, vocab).nmse > 1e-3;
      });
      expect(differs).toBe(true);
    });

    describe("refuses, and goes on", () => {
      test.each(refusals)("$name", async ({ batch }) => {
        open(0);
        open(1);
        await expect(backend.step(batch(backend, fixture.config.vocab))).rejects.toMatchObject({
          code: "invalid-argument",
        });
        await expect(plain(sequence(0, 3))).resolves.toHaveLength(fixture.config.vocab);
      });

      test("LAST_TOKEN at a position other than the next", async () => {
        const pages = new TestPages(backend);
        open(0);
        await backend.step({ rows: rowsOf([1, 2, 3], { slot: 0, want: "token" }), pages: pages.grow(0, 8) });
        const row: Row = { slot: 0, token: LAST_TOKEN, position: 5, want: "token" };
        await expect(backend.step({ rows: [row] })).rejects.toMatchObject({ code: "invalid-argument" });
        await expect(backend.step({ rows: [{ ...row, position: 3 }] })).resolves.toHaveLength(1);
      });

      test("a slot without a sequence", async () => {
        const fresh = await create(input);
        const batch = { rows: [harmless], pages: new TestPages(fresh).grow(0, 1) };
        await expect(fresh.step(batch)).rejects.toMatchObject({ code: "invalid-argument" });
        fresh.dispose();
        await expect(fresh.step(batch)).rejects.toMatchObject({ code: "disposed" });
      });
    });
  });
}
