// Runs a parsed template under a budget. @huggingface/jinja evaluates every expression and statement through one public
// method, `evaluate`; this subclass counts there, and measures operands before a filter or method can multiply them.
//
// Not here: the language itself, which is the package's.

import { type Environment, Interpreter, type parse } from "@huggingface/jinja";
import { EXCEPTION_WORK, LOOP_WORK, type TemplateBudget } from "./template_budget";
import { extremum, isStripMethod, standIn, stripText } from "./template_python";
import { childrenOf, lengthOf, type TemplateNode, type TemplateValue, textOf, writtenSizes } from "./template_values";

export type Program = ReturnType<typeof parse>;

/** What is known of a template before it runs. */
export interface TemplateShape {
  /** Expressions that loops run over. */
  readonly iterables: WeakSet<object>;
  /** Expressions that stand as statements: their value is written out. */
  readonly written: WeakSet<object>;
  /** Nodes inside each macro and call block, which the interpreter walks each time it meets one. */
  readonly sizes: WeakMap<object, number>;
}

/** A node of the parser, as far as this module looks into it. */
interface AnyNode extends TemplateNode {
  readonly [field: string]: unknown;
}

const BODIES = ["body", "alternate", "defaultBlock"];

export function shapeOf(program: Program): TemplateShape {
  const shape = {
    iterables: new WeakSet<object>(),
    written: new WeakSet<object>(),
    sizes: new WeakMap<object, number>(),
  };
  const visit = (part: unknown): number => {
    if (part instanceof Map) return visit([...part].flat());
    if (Array.isArray(part)) return part.reduce((sum: number, item) => sum + visit(item), 0);
    if (typeof part !== "object" || part === null) return 0;
    const node = part as AnyNode;
    for (const field of BODIES) {
      const body = node[field];
      if (Array.isArray(body)) for (const statement of body) shape.written.add(statement);
    }
    if (node.type === "For") {
      const iterable = node.iterable as AnyNode;
      shape.iterables.add(iterable.type === "SelectExpression" ? (iterable.lhs as object) : iterable);
    }
    const size = 1 + Object.values(node).reduce((sum: number, field) => sum + visit(field), 0);
    if (node.type === "Macro" || node.type === "CallStatement") shape.sizes.set(node, size);
    return size;
  };
  visit(program);
  return shape;
}

function operatorOf(node: AnyNode): string {
  return (node.operator as { readonly value: string }).value;
}

function filterName(filter: AnyNode): string {
  return String(filter.type === "CallExpression" ? (filter.callee as AnyNode).value : filter.value);
}

/** Stands in a tree for an expression that was evaluated already. */
interface Evaluated extends TemplateNode {
  readonly type: "Evaluated";
  readonly result: TemplateValue;
}

const evaluated = (result: TemplateValue): Evaluated => ({ type: "Evaluated", result });

/** Filters that write their operand out or look at all that is in it, with how often they do. */
const DEEP_FILTERS: Readonly<Record<string, number>> = {
  tojson: 1,
  string: 1,
  join: 1,
  upper: 1,
  lower: 1,
  title: 1,
  trim: 1,
  indent: 1,
  replace: 1,
  unique: 1,
  sort: 64, // each comparison makes two lower-case copies
  dictsort: 64,
};

/** Widest indentation that a template may ask for. */
const MAX_INDENT = 64;

export class BudgetedInterpreter extends Interpreter {
  readonly #budget: TemplateBudget;
  readonly #shape: TemplateShape;
  readonly #writtenSize = writtenSizes();
  readonly #guardedMethods = new WeakSet<object>();

  constructor(environment: Environment, shape: TemplateShape, budget: TemplateBudget) {
    super(environment);
    this.#shape = shape;
    this.#budget = budget;
  }

  override evaluate(statement: TemplateNode | undefined, environment: Environment): TemplateValue {
    if (statement?.type === "Evaluated") return (statement as Evaluated).result;
    const budget = this.#budget;
    budget.spend(1);
    budget.enter();
    try {
      const value = this.#evaluateNode(statement as AnyNode | undefined, environment);
      if (statement) this.#measure(statement, value);
      return value;
    } finally {
      budget.leave();
    }
  }

  #evaluateNode(node: AnyNode | undefined, environment: Environment): TemplateValue {
    switch (node?.type) {
      case "FilterExpression":
        return this.#filter(node, environment);
      case "BinaryExpression":
        return this.#binary(node, environment);
      case "FilterStatement":
        return this.#filterStatement(node, environment);
      case "MemberExpression":
        return this.#member(node, environment);
      case "Macro":
      case "CallStatement":
        this.#budget.spend(this.#shape.sizes.get(node) ?? 0);
        return super.evaluate(node, environment);
      case "Break":
      case "Continue":
        this.#budget.spend(EXCEPTION_WORK);
        return super.evaluate(node, environment);
      default:
        return super.evaluate(node, environment);
    }
  }

  /** Counts a value that has just been made or looked up. */
  #measure(node: TemplateNode, value: TemplateValue): void {
    const budget = this.#budget;
    const text = textOf(value);
    if (text !== undefined) {
      budget.allowText(text.length);
      budget.spend(text.length / 256);
    }
    switch (node.type) {
      case "Identifier":
        budget.spend(value.type === "UndefinedValue" ? EXCEPTION_WORK : budget.depth / 16); // a walk up the scopes
        break;
      case "CallExpression":
        budget.spend(LOOP_WORK);
        budget.spend(lengthOf(value) / (text === undefined ? 1 : 16));
        break;
      case "BinaryExpression":
      case "MemberExpression":
      case "FilterExpression":
        budget.spend(lengthOf(value) / (text === undefined ? 1 : 16));
    }
    if (childrenOf(value)) {
      if (this.#shape.iterables.has(node)) budget.spend(lengthOf(value) * LOOP_WORK);
      if (this.#shape.written.has(node)) this.#write(value, 1);
    }
  }

  /** Counts a value that is about to be written out as text. */
  #write(value: TemplateValue, times: number): void {
    const size = this.#writtenSize(value);
    this.#budget.allowText(size);
    this.#budget.spend((size / 16) * times);
  }

  /** `~`, and `+` with a text, write both operands out. */
  #binary(node: AnyNode, environment: Environment): TemplateValue {
    const operator = operatorOf(node);
    if (operator !== "~" && operator !== "+") return super.evaluate(node, environment);
    const operands = [node.left, node.right].map((operand) => this.evaluate(operand as TemplateNode, environment));
    if (operator === "~" || operands.some((operand) => textOf(operand) !== undefined)) {
      for (const operand of operands) if (childrenOf(operand)) this.#write(operand, 1);
    }
    const [left, right] = operands.map(evaluated);
    return super.evaluate({ ...node, left, right } as TemplateNode, environment);
  }

  #filter(node: AnyNode, environment: Environment): TemplateValue {
    const name = filterName(node.filter as AnyNode);
    const given = this.evaluate(node.operand as TemplateNode, environment);
    const operand = this.#literal(standIn(name, given), environment) ?? given;
    const filter = this.#filterArguments(node.filter as AnyNode, operand, environment);
    return (
      extremum(name, operand) ??
      super.evaluate({ ...node, operand: evaluated(operand), filter } as TemplateNode, environment)
    );
  }

  /** A text or an empty list as a value of the package. */
  #literal(value: string | readonly never[] | undefined, environment: Environment): TemplateValue | undefined {
    if (value === undefined) return undefined;
    const type = typeof value === "string" ? "StringLiteral" : "ArrayLiteral";
    return super.evaluate({ type, value } as TemplateNode, environment);
  }

  #filterStatement(node: AnyNode, environment: Environment): TemplateValue {
    const program: AnyNode = { type: "Program", body: node.body };
    const operand = this.evaluate(program, environment);
    const filter = this.#filterArguments(node.filter as AnyNode, operand, environment);
    return super.evaluate({ ...node, body: [evaluated(operand)], filter } as TemplateNode, environment);
  }

  /** Evaluates a filter's arguments and refuses those that would make far too much of the operand. */
  #filterArguments(filter: AnyNode, operand: TemplateValue, environment: Environment): AnyNode {
    const name = filterName(filter);
    const times = DEEP_FILTERS[name];
    if (times !== undefined) this.#write(operand, times);
    else this.#budget.spend(lengthOf(operand) / 16);
    if (filter.type !== "CallExpression") return filter;

    const given: TemplateValue[] = [];
    const args = (filter.args as readonly AnyNode[]).map((argument) => {
      if (argument.type === "StringLiteral") {
        given.push(super.evaluate(argument, environment));
        return argument; // `selectattr` insists on literals
      }
      const keyword = argument.type === "KeywordArgumentExpression";
      if (argument.type.includes("Spread")) return argument;
      const value = this.evaluate(keyword ? (argument.value as TemplateNode) : argument, environment);
      given.push(value);
      return keyword ? { ...argument, value: evaluated(value) } : evaluated(value);
    });
    this.#checkArguments(name, operand, given, args.length > given.length);
    return { ...filter, args };
  }

  #checkArguments(name: string, operand: TemplateValue, given: readonly TemplateValue[], spread: boolean): void {
    const grows = ["indent", "join", "replace", "tojson"].includes(name);
    if (!grows) return;
    if (spread) throw new Error(`unpacked arguments of the filter ${name} are not supported`);
    const texts = given.flatMap((value) => textOf(value) ?? []);
    switch (name) {
      case "indent":
      case "tojson": {
        const wide = given.some((value) => typeof value.value === "number" && value.value > MAX_INDENT);
        const long = given.some((value) => this.#writtenSize(value) > MAX_INDENT);
        if (wide || long) throw new Error(`the filter ${name} indents by at most ${MAX_INDENT} characters`);
        if (name === "indent") this.#budget.allowText((textOf(operand) ?? "").split("\n").length * MAX_INDENT);
        return;
      }
      case "join":
        this.#budget.allowText(this.#writtenSize(operand) + lengthOf(operand) * (texts[0] ?? "").length);
        return;
      case "replace":
        this.#checkReplace(textOf(operand) ?? "", texts);
    }
  }

  #checkReplace(text: string, [from = "", to = ""]: readonly string[]): void {
    const matches = from === "" ? text.length + 1 : text.split(from).length - 1;
    this.#budget.allowText(text.length + matches * to.length);
    this.#budget.spend(matches + text.length / 16);
  }

  /** Methods of texts are put right or guarded where they are looked up: `replace` can grow a text as the filter can. */
  #member(node: AnyNode, environment: Environment): TemplateValue {
    const object = this.evaluate(node.object as TemplateNode, environment);
    const found = super.evaluate({ ...node, object: evaluated(object) } as TemplateNode, environment);
    const text = textOf(object);
    if (text === undefined || found.type !== "FunctionValue" || this.#guardedMethods.has(found)) return found;
    const method = found.value as (args: TemplateValue[], scope: Environment) => TemplateValue;
    const property = node.property as AnyNode;
    const name = node.computed && property.type !== "StringLiteral" ? undefined : property.value;
    this.#guardedMethods.add(found);
    found.value = (args: TemplateValue[], scope: Environment) => {
      this.#budget.spend(text.length / 16);
      const texts = args.flatMap((value) => textOf(value) ?? []);
      if (isStripMethod(name) && texts[0] !== undefined) return this.#literal(stripText(text, name, texts[0]), scope)!;
      this.#checkReplace(text, texts.slice(0, 2));
      return method(args, scope);
    };
    return found;
  }
}
