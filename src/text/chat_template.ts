// Messages to prompt text, by the Jinja template that a model file carries, as Hugging Face Transformers renders it:
// trim_blocks and lstrip_blocks on, `raise_exception` and `strftime_now` there, absent tools and documents None.
// Templates are strangers' programs: they run under a budget (template_budget.ts) and can reach nothing but their inputs.

import { Environment, parse, tokenize } from "@huggingface/jinja";
import { FennecError, isFennecError } from "../errors";
import type { MetadataValue } from "../files/weights_file";
import { specialIds } from "./special_ids";
import { strftime } from "./strftime";
import { templateBudget } from "./template_budget";
import { BudgetedInterpreter, type Program, shapeOf } from "./template_interpreter";

/** Longest template, UTF-16 units. The largest known has 30,000. */
export const MAX_TEMPLATE = 1 << 18;

/** Longest run of spaces or line ends in a template: the lexer's time grows with its square. */
const MAX_BLANKS = 512;

/** `range(n)` makes at most so many numbers. */
const MAX_RANGE = 100_000;

export interface ChatTemplateInputs {
  /** OpenAI's shapes; fields a template does not know do no harm. */
  readonly messages: readonly object[];
  /** OpenAI's tool definitions; absent or empty: None. */
  readonly tools?: readonly object[] | undefined;
  /** End with the header of the assistant's turn; default true. */
  readonly addGenerationPrompt?: boolean;
  /** Further variables of the template (`enable_thinking`, `reasoning_effort`, ...). */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

export interface ChatTemplate {
  readonly source: string;
  /**
   * @throws FennecError `template-failed` when the template refuses the messages (`raise_exception`; the message quotes
   *   it), has a fault, or takes too much work or text.
   */
  render(inputs: ChatTemplateInputs): string;
}

export interface ChatTemplateOptions {
  /** Texts of the special tokens that templates write. */
  readonly bosToken?: string | undefined;
  readonly eosToken?: string | undefined;
  /** The time that `strftime_now` tells; default the present. */
  readonly now?: () => Date;
}

/** @throws FennecError `template-failed` when the template does not parse. */
export function compileChatTemplate(source: string, options: ChatTemplateOptions = {}): ChatTemplate {
  const program = parseTemplate(source);
  const shape = shapeOf(program);
  return {
    source,
    render(inputs) {
      try {
        const interpreter = new BudgetedInterpreter(environmentOf(inputs, options), shape, templateBudget());
        return String(interpreter.run(program).value);
      } catch (error) {
        throw renderError(error);
      }
    },
  };
}

/**
 * The file's template. `tool_use` is taken for calls with tools where a file carries one beside the default.
 *
 * @throws FennecError `no-chat-template` when the file has none; `template-failed` when it does not parse.
 */
export function chatTemplateFromMetadata(
  metadata: ReadonlyMap<string, MetadataValue>,
  options: Pick<ChatTemplateOptions, "now"> & { readonly tools?: boolean } = {},
): ChatTemplate {
  const named = options.tools ? metadata.get("tokenizer.chat_template.tool_use") : undefined;
  const source = named ?? metadata.get("tokenizer.chat_template");
  if (typeof source !== "string" || source.trim() === "") {
    throw new FennecError(
      "no-chat-template",
      "The model file has no chat template (tokenizer.chat_template), so messages cannot become a prompt. " +
        "Use plain completion (on the command line: generate --raw).",
    );
  }
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const texts: readonly unknown[] = Array.isArray(tokens) ? tokens : [];
  const { bosId, eosId } = specialIds(metadata, texts as readonly string[]);
  const textOf = (id: number | undefined): string | undefined =>
    id === undefined ? undefined : String(texts[id] ?? "");
  return compileChatTemplate(source, { ...options, bosToken: textOf(bosId), eosToken: textOf(eosId) });
}

export function hasChatTemplate(metadata: ReadonlyMap<string, MetadataValue>): boolean {
  const source = metadata.get("tokenizer.chat_template");
  return typeof source === "string" && source.trim() !== "";
}

function parseTemplate(source: string): Program {
  if (source.length > MAX_TEMPLATE) {
    throw new FennecError(
      "template-failed",
      `The chat template has ${source.length} characters; at most ${MAX_TEMPLATE} are allowed. Pass a template of your own.`,
    );
  }
  if (longestBlank(source) > MAX_BLANKS) {
    throw new FennecError(
      "template-failed",
      `The chat template has more than ${MAX_BLANKS} blanks in a row. It is damaged; pass a template of your own.`,
    );
  }
  try {
    return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (error) {
    throw new FennecError("template-failed", `The chat template does not parse: ${reason(error)}.`, { cause: error });
  }
}

function longestBlank(source: string): number {
  let longest = 0;
  let run = 0;
  for (const character of source) {
    run = /\s/.test(character) ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest;
}

/** What a template refused on purpose, as against a fault in it. */
class Refusal extends Error {}

function environmentOf(inputs: ChatTemplateInputs, options: ChatTemplateOptions): Environment {
  const globals = new Environment();
  for (const [name, value] of [
    ["true", true],
    ["false", false],
    ["none", null],
  ] as const) {
    globals.set(name, value);
    globals.set(name[0]!.toUpperCase() + name.slice(1), value);
  }
  globals.set("range", range);
  globals.set("raise_exception", (message: unknown) => {
    throw new Refusal(String(message));
  });
  globals.set("strftime_now", (format: unknown) => strftime((options.now ?? (() => new Date()))(), String(format)));

  const environment = new Environment(globals);
  const variables = {
    documents: null,
    bos_token: options.bosToken ?? "",
    eos_token: options.eosToken ?? "",
    ...inputs.variables,
    messages: inputs.messages,
    tools: inputs.tools?.length ? inputs.tools : null,
    add_generation_prompt: inputs.addGenerationPrompt ?? true,
  };
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
  return environment;
}

/** Python's `range`, with an end. */
function range(...bounds: unknown[]): number[] {
  const [first, last, step = 1] = bounds.length === 1 ? [0, ...bounds] : bounds;
  if (![first, last, step].every(Number.isInteger)) throw new Error("range() takes whole numbers");
  const [from, to, by] = [first, last, step] as [number, number, number];
  if (by === 0) throw new Error("range() step must not be zero");
  const length = Math.max(0, Math.ceil((to - from) / by));
  if (length > MAX_RANGE) throw new Error(`range() makes at most ${MAX_RANGE} numbers; ${length} were asked for`);
  return Array.from({ length }, (_, i) => from + i * by);
}

function renderError(error: unknown): FennecError {
  if (isFennecError(error)) return error;
  if (error instanceof Refusal) {
    return new FennecError("template-failed", `The chat template refuses these messages: ${error.message}`, {
      cause: error,
    });
  }
  return new FennecError("template-failed", `The chat template failed: ${reason(error)}.`, { cause: error });
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, 300).replace(/\.$/, "");
}
