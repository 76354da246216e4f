// The WGSL linker. Kernels are plain .wgsl files; a shader is several of them joined. Joining does four things and no
// more: it hoists and merges `enable`, `requires` and `diagnostic` lines, prepends a block of `const` numbers, prefixes
// a part's module-scope names (so that one kernel can hold two weight formats), and numbers the bindings.

export type Access = "uniform" | "read" | "read_write";
/** Name to access, in binding order. At most eight of them may be storage. */
export type Bindings = Readonly<Record<string, Access>>;

/** A file to join. */
export interface Part {
  readonly wgsl: string;
  /** Goes before every name that the file declares at module scope, wherever it says it. */
  readonly prefix?: string;
  /** With a prefix: names that are replaced by these instead. */
  readonly names?: Readonly<Record<string, string>>;
}

const DIRECTIVE = /^[ \t]*(enable|requires|diagnostic)\b[^;]*;[ \t]*$/gm;
const DECLARATION = /\b(?:fn|struct|alias|const|override)\s+([A-Za-z_]\w*)|\bvar(?:<[^>]*>)?\s+([A-Za-z_]\w*)/g;
const BINDING = /@group\(0\)\s*@binding\(\d+\)\s*var<([^>]*)>\s+([A-Za-z_]\w*)/g;

/**
 * Joins parts into one shader.
 *
 * @param bindings Name to access in binding order. Every binding that a part declares must be among them, with the
 *   same access; a binding that no part declares is allowed (variants share one layout).
 * @throws Error with the kernel's name when the parts and the bindings disagree: a bug in the kernel, not in the input.
 */
export function link(
  name: string,
  parts: readonly Part[],
  bindings: Bindings,
  constants: Readonly<Record<string, number>> = {},
  enable: readonly string[] = [],
): string {
  const directives = new Set(enable.map((feature) => `enable ${feature};`));
  const numbers = new Map(Object.keys(bindings).map((binding, number) => [binding, number]));
  const bodies = parts.map((part) => {
    const body = part.wgsl.replace(DIRECTIVE, (line) => {
      directives.add(line.trim());
      return "";
    });
    return numberBindings(name, part.prefix ? prefixed(body, part.prefix, part.names) : body, bindings, numbers);
  });
  const block = Object.entries(constants).map(([constant, value]) => `const ${constant} = ${wgslNumber(value)};`);
  return [...directives, ...block, ...new Set(bodies)].join("\n");
}

/** Integers become u32, since constants size arrays and loops; anything else f32. */
function wgslNumber(value: number): string {
  return Number.isInteger(value) ? `${value}u` : `f32(${value})`;
}

function numberBindings(name: string, body: string, bindings: Bindings, numbers: ReadonlyMap<string, number>): string {
  return body.replace(BINDING, (_, space: string, binding: string) => {
    const number = numbers.get(binding);
    if (number === undefined) throw new Error(`kernel ${name}: the shader binds ${binding}, its definition does not`);
    const access = accessOf(space);
    if (access !== bindings[binding])
      throw new Error(`kernel ${name}: ${binding} is ${access} in the shader, ${bindings[binding]} in its definition`);
    return `@group(0) @binding(${number}) var<${space}> ${binding}`;
  });
}

function accessOf(space: string): Access {
  const [kind, access = "read"] = space.split(",").map((word) => word.trim());
  return kind === "uniform" ? "uniform" : (access as Access);
}

/** Renames what the part declares at module scope, wherever the part says it. Comments are dropped: they may name it. */
function prefixed(wgsl: string, prefix: string, others: Readonly<Record<string, string>> = {}): string {
  const code = wgsl.replace(/\/\/.*$/gm, "");
  const names = [...moduleScope(code).matchAll(DECLARATION)].map((match) => match[1] ?? match[2]!);
  if (names.length === 0) return code;
  // A member access `.name` is not the module's name.
  const pattern = new RegExp(`(?<![.\\w])(?:${names.join("|")})(?!\\w)`, "g");
  return code.replace(pattern, (found) => others[found] ?? prefix + found);
}

/** The code with everything inside braces blanked: only module-scope declarations remain. */
function moduleScope(code: string): string {
  let depth = 0;
  let out = "";
  for (const char of code) {
    if (char === "}") depth--;
    if (depth === 0) out += char;
    if (char === "{") depth++;
  }
  return out;
}
