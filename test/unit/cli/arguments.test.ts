// What the command line says when it is misused: one line on stderr that names the fault, nothing on stdout.

import { describe, expect, test } from "vitest";
import { commands } from "../../../src/cli/main";
import { runCli } from "../../support/cli";

const nano = "test/fixtures/nano/llama-nano-F32.gguf";

describe("misuse", () => {
  const cases: readonly (readonly [why: string, argv: readonly string[], says: string])[] = [
    ["no such command", ["frobnicate"], 'no command "frobnicate"'],
    ["no such option", ["inspect", nano, "--colour"], "--colour"],
    ["an option without its value", ["tokenize", nano, "--text"], "--text"],
    ["two models", ["inspect", nano, "other.gguf"], '"other.gguf"'],
    ["neither text nor file", ["tokenize", nano], "--text or by --file"],
    ["both", ["tokenize", nano, "--text", "a", "--file", "b"], "--text or by --file"],
    ["no ids", ["detokenize", nano], "--ids"],
    ["ids that are none", ["detokenize", nano, "--ids", "1,x"], '"x"'],
    ["an id past the list", ["detokenize", nano, "--ids", "1,512"], "0 to 511"],
    ["logits to nowhere", ["logits", nano, "--tokens", "1"], "--out"],
    ["logits of nothing", ["logits", nano, "--out", "x"], "--tokens"],
    ["a chunk of nothing", ["logits", nano, "--tokens", "1", "--out", "x", "--chunk", "0"], "at least 1"],
    [
      "a backend that is none",
      ["logits", nano, "--tokens", "1", "--out", "x", "--backend", "cuda"],
      "webgpu, onnx, reference",
    ],
    ["generation of nothing", ["generate", nano], "--prompt"],
    ["half a token", ["generate", nano, "--prompt", "a", "--max-tokens", "1.5"], "whole number"],
    ["no number", ["generate", nano, "--prompt", "a", "--temperature", "hot"], '"hot"'],
    ["below the range", ["generate", nano, "--raw", "--prompt", "a", "--temperature", "-1"], "--temperature"],
    ["an empty top-p", ["generate", nano, "--raw", "--prompt", "a", "--top-p", "0"], "--top-p"],
    ["no repetition", ["bench", nano, "--repeat", "0"], "at least 1"],
    ["doctor has no model", ["doctor", nano], "unexpected argument"],
  ];
  test.each(cases)("%s", async (_why, argv, says) => {
    const { code, out, notes } = await runCli(argv);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(notes).toEqual([expect.stringContaining(says)]);
    expect(notes[0]).toMatch(/^fennec[^\n]*see fennec[^\n]*--help\)?$/);
  });
});

describe("failures that are not misuse", () => {
  const cases: readonly (readonly [why: string, argv: readonly string[], says: string])[] = [
    ["a file that is not there", ["inspect", "nowhere.gguf"], "nowhere.gguf"],
    ["a file that is no model", ["inspect", "package.json"], "GGUF"],
    ["a folder", ["inspect", "src"], "is not a file"],
    ["a text file that is not there", ["tokenize", nano, "--file", "nowhere.txt"], "nowhere.txt"],
    ["chat without a template", ["chat", nano], "no chat template"],
    ["a reply without a template", ["generate", nano, "--prompt", "a"], "--raw"],
    [
      "an id that the model does not have",
      ["logits", nano, "--tokens", "512", "--out", "x", "--backend", "reference"],
      "512",
    ],
    [
      "a file that cannot be written",
      ["logits", nano, "--tokens", "1", "--out", "nowhere/x", "--backend", "reference"],
      "nowhere/x",
    ],
  ];
  test.each(cases)("%s", async (_why, argv, says) => {
    const { code, out, notes } = await runCli(argv);
    expect(code).not.toBe(0);
    expect(out).toBe("");
    expect(notes).toEqual([expect.stringContaining(says)]);
    expect(notes[0]).not.toMatch(/\n|unexpected error/);
  });

  test("Ctrl-C before the model is open", async () => {
    const argv = ["generate", nano, "--raw", "--prompt", "a", "--backend", "reference"];
    const { code, notes } = await runCli(argv, { signal: AbortSignal.abort() });
    expect(code).toBe(1);
    expect(notes).toEqual([expect.stringContaining("aborted")]);
  });

  test("FENNEC_DEBUG adds where it happened", async () => {
    process.env.FENNEC_DEBUG = "1";
    try {
      const { notes } = await runCli(["inspect", "nowhere.gguf"]);
      expect(notes.length).toBe(2);
      expect(notes[1]).toContain("    at ");
    } finally {
      delete process.env.FENNEC_DEBUG;
    }
  });
});

describe("help", () => {
  test("all commands, each in a line", async () => {
    for (const argv of [["--help"], ["-h"], ["help"]]) {
      const { code, out, notes } = await runCli(argv);
      expect([code, notes]).toEqual([0, []]);
      for (const { name } of commands) expect(out).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
    }
  });

  test("no command is misuse, with the same help", async () => {
    const { code, out } = await runCli([]);
    expect(code).toBe(2);
    expect(out).toContain("Usage: fennec");
  });

  test.each(commands)("$name tells each of its options", async (command) => {
    for (const argv of [
      [command.name, "--help"],
      ["help", command.name],
    ]) {
      const { code, out, notes } = await runCli(argv);
      expect([code, notes]).toEqual([0, []]);
      for (const option of Object.keys(command.options)) expect(out).toContain(`--${option}`);
    }
  });

  test("the version is the package's", async () => {
    expect((await runCli(["--version"])).out).toMatch(/^\d+\.\d+\.\d+/);
  });
});
