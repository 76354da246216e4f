// Finds a vocabulary's special tokens in a text: leftmost first, longest at a place. Plain text between them is left to
// the tokenizer proper.

import { FennecError } from "../errors";

/** Characters of all special tokens together. Vocabularies with 6,000 of them have 80,000. */
const MAX_CHARACTERS = 1 << 20;

export type Fragment = { readonly text: string } | { readonly id: number };

interface Node {
  readonly next: Map<number, Node>;
  /** Token that ends here: one that is always found, and one that is found only when special tokens are asked for. */
  always?: number;
  special?: number;
}

export interface SpecialSplitter {
  /** @param special Whether control tokens are looked for too; user-defined ones always are. */
  split(text: string, special: boolean): Fragment[];
}

/**
 * @param always Texts and ids found in every text (user-defined tokens).
 * @param special Texts and ids found only on request (control tokens): text of strangers must not form them.
 * @throws FennecError `metadata-type` when they are far longer than any real vocabulary's.
 */
export function specialSplitter(
  always: Iterable<readonly [text: string, id: number]>,
  special: Iterable<readonly [text: string, id: number]>,
): SpecialSplitter {
  const tokens = { always: [...always], special: [...special] };
  const characters = [...tokens.always, ...tokens.special].reduce((sum, [text]) => sum + text.length, 0);
  if (characters > MAX_CHARACTERS) {
    throw new FennecError(
      "metadata-type",
      `tokenizer.ggml.tokens holds special tokens of ${characters} characters; at most ${MAX_CHARACTERS} are allowed.`,
    );
  }
  const root: Node = { next: new Map() };
  for (const [text, id] of tokens.always) if (text !== "") insert(root, text).always ??= id;
  for (const [text, id] of tokens.special) if (text !== "") insert(root, text).special ??= id;

  return {
    split(text, wantSpecial) {
      const fragments: Fragment[] = [];
      let start = 0;
      for (let at = 0; at < text.length; ) {
        const match = longest(root, text, at, wantSpecial);
        if (!match) {
          at++;
          continue;
        }
        if (at > start) fragments.push({ text: text.slice(start, at) });
        fragments.push({ id: match.id });
        at = match.end;
        start = at;
      }
      if (start < text.length) fragments.push({ text: text.slice(start) });
      return fragments;
    },
  };
}

function insert(root: Node, text: string): Node {
  let node = root;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    let child = node.next.get(unit);
    if (!child) {
      child = { next: new Map() };
      node.next.set(unit, child);
    }
    node = child;
  }
  return node;
}

function longest(root: Node, text: string, from: number, special: boolean): { id: number; end: number } | undefined {
  let match: { id: number; end: number } | undefined;
  let node: Node | undefined = root;
  for (let i = from; i < text.length; i++) {
    node = node.next.get(text.charCodeAt(i));
    if (!node) break;
    const id = node.always ?? (special ? node.special : undefined);
    if (id !== undefined) match = { id, end: i + 1 };
  }
  return match;
}
