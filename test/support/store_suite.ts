// What every cache store must do, whatever it is made of. Run for the folder in Node and for OPFS and the Cache API in
// a browser.

import { beforeEach, describe, expect, test } from "vitest";
import type { CacheStore } from "../../src/files/cache";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** @param open A store that holds nothing. */
export function storeSuite(name: string, open: () => Promise<CacheStore>): void {
  describe(`cache store: ${name}`, () => {
    let store: CacheStore;
    beforeEach(async () => {
      store = await open();
    });

    test("holds nothing at first", async () => {
      expect(await store.names()).toEqual([]);
      expect(await store.size("a.json")).toBeUndefined();
    });

    test("gives back what was written, whole and in ranges", async () => {
      await store.write("abc-1.00000", bytes(1, 2, 3, 4, 5));
      expect(await store.size("abc-1.00000")).toBe(5);
      expect(await store.read("abc-1.00000", 0, 5)).toEqual(bytes(1, 2, 3, 4, 5));
      expect(await store.read("abc-1.00000", 1, 3)).toEqual(bytes(2, 3, 4));
      expect(await store.read("abc-1.00000", 5, 0)).toEqual(bytes());
      expect(await store.names()).toEqual(["abc-1.00000"]);
    });

    test("takes a copy: the caller may use the bytes again at once", async () => {
      const buffer = new Uint8Array(8).fill(7);
      await store.write("a", buffer.subarray(2, 6));
      buffer.fill(0);
      expect(await store.read("a", 0, 4)).toEqual(bytes(7, 7, 7, 7));
    });

    test("replaces a longer piece by a shorter one and by nothing", async () => {
      await store.write("a", bytes(1, 2, 3));
      await store.write("a", bytes(9));
      expect(await store.size("a")).toBe(1);
      expect(await store.read("a", 0, 1)).toEqual(bytes(9));
      await store.write("a", bytes());
      expect(await store.size("a")).toBe(0);
    });

    test("removes, also what is not there", async () => {
      await store.write("a", bytes(1));
      await store.remove("a");
      await store.remove("a");
      expect(await store.names()).toEqual([]);
    });

    test.each([
      ["a missing piece", "b", 0, 1],
      ["a range past the end", "a", 1, 2],
    ])("reading %s fails", async (_what, piece, offset, length) => {
      await store.write("a", bytes(1, 2));
      await expect(store.read(piece, offset, length)).rejects.toThrow();
    });

    test("a second user of the store sees the same", async () => {
      await store.write("a", new Uint8Array(3_000_000).fill(5));
      expect(await store.size("a")).toBe(3_000_000);
      expect((await store.read("a", 2_999_999, 1))[0]).toBe(5);
    });

    test("tells the free space as a number, or not at all", async () => {
      const { free } = await store.space();
      expect(free === undefined || free >= 0).toBe(true);
    });

    test("one at a time under one name; others under other names do not wait", async () => {
      const order: string[] = [];
      let release = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const first = store.exclusively("x", async () => {
        order.push("first in");
        await gate;
        order.push("first out");
      });
      await store.exclusively("y", async () => void order.push("other"));
      const second = store.exclusively(
        "x",
        async () => void order.push("second"),
        () => {
          order.push("second waits");
          release();
        },
      );
      await Promise.all([first, second]);
      expect(order).toEqual(["first in", "other", "second waits", "first out", "second"]);
    });

    test("work that fails lets the next one in", async () => {
      await expect(store.exclusively("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
      expect(await store.exclusively("x", async () => 5)).toBe(5);
    });

    test("waiting ends when the signal says so", async () => {
      let release = () => {};
      const first = store.exclusively("x", () => new Promise<void>((resolve) => (release = resolve)));
      const controller = new AbortController();
      const second = store.exclusively(
        "x",
        async () => "never",
        () => controller.abort(),
        controller.signal,
      );
      await expect(second).rejects.toThrow();
      release();
      await first;
      expect(await store.exclusively("x", async () => "next")).toBe("next");
    });
  });
}
