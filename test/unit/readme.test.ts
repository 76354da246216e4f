// README.md against what it describes.

import { expect, test } from "vitest";
import readme from "../../README.md?raw";
import errors from "../../src/errors.ts?raw";

test("the README explains each error code and no other", () => {
  const union = errors.slice(
    errors.indexOf("export type ErrorCode"),
    errors.indexOf(";\n", errors.indexOf("export type ErrorCode")),
  );
  const codes = [...union.matchAll(/\| "([a-z-]+)"/g)].map(([, code]) => code!);
  const section = readme.slice(readme.indexOf("## Errors"), readme.indexOf("## Troubleshooting"));
  const explained = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code!),
  );
  expect(codes.length).toBeGreaterThan(20);
  expect(explained.toSorted()).toEqual(codes.toSorted());
});
