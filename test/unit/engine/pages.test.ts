import { expect, test } from "vitest";
import { PagePool } from "../../../src/engine/pages";

test("pages are handed out once and come back when the last holder lets go", () => {
  const pool = new PagePool(3);
  const pages = [pool.take(), pool.take(), pool.take()];
  expect([...pages].sort()).toEqual([0, 1, 2]);
  expect(() => pool.take()).toThrow("all 3 pages are held");
  pool.hold(pages[1]!);
  pool.release(pages[1]!);
  expect(pool.free).toBe(0);
  pool.release(pages[1]!);
  expect(pool.free).toBe(1);
  expect(pool.take()).toBe(pages[1]);
});

test("a page that is free can be neither held nor released", () => {
  const pool = new PagePool(2);
  expect(() => pool.hold(0)).toThrow("page 0 of 2 is free");
  expect(() => pool.release(1)).toThrow("page 1 of 2 is free already");
  expect(() => pool.release(7)).toThrow("page 7 of 2 is free already");
});
