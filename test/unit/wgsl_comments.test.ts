// Shaders of a build lose their comments and nothing else.

import { describe, expect, test } from "vitest";
import { withoutComments } from "../../tools/wgsl_comments";

const shaders = import.meta.glob<string>("../../kernels/**/*.wgsl", { query: "?raw", import: "default", eager: true });

describe.each(Object.entries(shaders))("%s", (_, text) => {
  test("has no block comments, which would stay", () => {
    expect(text).not.toContain("/*");
  });

  test("keeps every line of code as it is", () => {
    const code = text.split("\n").flatMap((line) => {
      const end = line.indexOf("//");
      return (end < 0 ? line : line.slice(0, end)).trimEnd() || [];
    });
    expect(
      withoutComments(text)
        .split("\n")
        .map((line) => line.trimEnd()),
    ).toEqual(code);
  });
});

test("comments and blank lines go", () => {
  expect(withoutComments("// head\n\nlet a = 1u; // one\n  let b = a / 2u;\n")).toBe("let a = 1u;\n  let b = a / 2u;");
});
