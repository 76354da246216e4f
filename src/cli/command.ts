// A command as data: its name, options and what it does; and reading its arguments.

import { parseArgs } from "node:util";
import { FennecError } from "../errors";
import type { Io } from "./io";

export interface OptionSpec {
  /** What stands for the value in help (`N`, `TEXT`); absent for a switch. */
  readonly value?: string;
  readonly help: string;
  /** Allowed values. */
  readonly oneOf?: readonly string[];
  /** May be given several times; read with {@link Args.texts}. */
  readonly several?: boolean;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Whether it takes MODEL. */
  readonly model: boolean;
  /** Takes any number of them; read with {@link Args.models}. */
  readonly severalModels?: boolean;
  /** Whether it takes OUT after it. */
  readonly output?: boolean;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** @throws FennecError with what is wrong, in one line. */
  run(args: Args, io: Io): Promise<void>;
}

/** The arguments of a call. Each reader throws `invalid-argument` naming the option. */
export interface Args {
  /** MODEL as given; undefined when left out. */
  readonly model: string | undefined;
  /** Every MODEL as given, where a command takes several. */
  readonly models: readonly string[];
  /** OUT as given. */
  readonly output: string | undefined;
  has(option: string): boolean;
  text(option: string): string | undefined;
  /** Each value of an option that may be given several times. */
  texts(option: string): readonly string[];
  /** A whole number of at least `min`. */
  integer(option: string, min: number): number | undefined;
  number(option: string): number | undefined;
  /** Token ids, separated by commas or blanks. */
  ids(option: string): number[] | undefined;
  choice<const T extends string>(option: string, values: readonly T[]): T | undefined;
}

/** @throws FennecError `invalid-argument` for what the command does not know. */
export function readArgs(command: Command, argv: readonly string[]): Args {
  const { values, positionals } = parsed(command, argv);
  const most = command.severalModels
    ? Number.POSITIVE_INFINITY
    : Number(command.model) + Number(command.output ?? false);
  if (positionals.length > most) throw usage(`unexpected argument "${positionals[most]}"`);
  const text = (option: string): string | undefined => {
    const value = values[option];
    return typeof value === "string" ? value : undefined;
  };
  const number = (option: string): number | undefined => {
    const value = text(option);
    if (value === undefined) return undefined;
    if (value.trim() === "" || !Number.isFinite(Number(value)))
      throw usage(`--${option} takes a number; got "${value}"`);
    return Number(value);
  };
  return {
    model: positionals[0],
    models: positionals,
    output: positionals[1],
    has: (option) => values[option] !== undefined,
    text,
    texts: (option) => [values[option] ?? []].flat().map(String),
    number,
    integer(option, min) {
      const value = number(option);
      if (value === undefined || (Number.isSafeInteger(value) && value >= min)) return value;
      throw usage(`--${option} takes a whole number of at least ${min}; got "${text(option)}"`);
    },
    ids(option) {
      const value = text(option);
      if (value === undefined) return undefined;
      const parts = value.split(/[\s,]+/).filter((part) => part !== "");
      const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
      if (wrong !== undefined) throw usage(`--${option} takes token ids like 1,2,3; got "${wrong}"`);
      return parts.map(Number);
    },
    choice(option, allowed) {
      const value = text(option);
      const found = allowed.find((one) => one === value);
      if (value === undefined || found !== undefined) return found;
      throw usage(`--${option} is one of ${allowed.join(", ")}; got "${value}"`);
    },
  };
}

export function usage(message: string): FennecError {
  return new FennecError("invalid-argument", message);
}

function parsed(command: Command, argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value, several = false }]) => [
      name,
      { type: value === undefined ? ("boolean" as const) : ("string" as const), multiple: several },
    ]),
  );
  try {
    return parseArgs({ args: withNegatives(argv), options, allowPositionals: true, strict: true });
  } catch (error) {
    const [first = ""] = String(error instanceof Error ? error.message : error).split(/\. |\n/);
    throw usage(first.replace(/\.$/, "").replace(/^./, (letter) => letter.toLowerCase()));
  }
}

/** `--seed -1` as `--seed=-1`: the parser takes a value that begins with a dash for an option. */
function withNegatives(argv: readonly string[]): string[] {
  const args: string[] = [];
  for (const arg of argv) {
    const last = args.at(-1);
    if (/^-\.?\d/.test(arg) && last?.startsWith("--") && !last.includes("=")) args[args.length - 1] = `${last}=${arg}`;
    else args.push(arg);
  }
  return args;
}

function operands({ model, output, severalModels }: Command): string {
  if (output) return " MODEL OUT";
  return severalModels ? " [MODEL ...]" : model ? " [MODEL]" : "";
}

export function commandHelp(command: Command): string {
  const head = `Usage: fennec ${command.name}${operands(command)} [options]\n\n${command.summary}\n`;
  const model = command.model
    ? "\nMODEL is a path, a file: or http(s): URL, hf:owner/repo/file.gguf, or builtin (the default where it is there).\n"
    : "";
  const rows = Object.entries(command.options).map(
    ([name, { value, help, oneOf }]) =>
      [`--${name}${value === undefined ? "" : ` ${oneOf ? oneOf.join("|") : value}`}`, help] as const,
  );
  return `${head}${model}\n${table(rows)}`;
}

/** Two columns, the second aligned. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}
