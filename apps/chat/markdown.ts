// A reply's Markdown as DOM. What a model writes is untrusted: it passes DOMPurify, and nothing in it may load from
// elsewhere (an image address could carry the conversation away).

import DOMPurify, { type Config } from "dompurify";
import { marked, type Token } from "marked";

const PURIFY = {
  FORBID_TAGS: [
    "img",
    "picture",
    "video",
    "audio",
    "source",
    "iframe",
    "form",
    "input",
    "button",
    "style",
    "svg",
    "math",
  ],
  FORBID_ATTR: ["style", "id", "name"],
} satisfies Config;

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

export function renderBlock({ token }: Block): DocumentFragment {
  return DOMPurify.sanitize(marked.parser([token]), { ...PURIFY, RETURN_DOM_FRAGMENT: true });
}

export interface Block {
  /** Where it begins in the text, in characters: its name in a list. */
  readonly start: number;
  readonly token: Token;
}

/**
 * The blocks (paragraphs, lists, code) of a text that grows. Blocks before the last one no longer change and are not
 * read again, so that the cost of a long reply stays that of its last block.
 */
export class GrowingMarkdown {
  #settledText = "";
  #settled: Block[] = [];

  /** @returns All blocks of `text`; those that did not change are the same objects as before. */
  blocks(text: string): readonly Block[] {
    if (!text.startsWith(this.#settledText)) {
      this.#settled = [];
      this.#settledText = "";
    }
    let start = this.#settledText.length;
    const rest: Block[] = [];
    for (const token of marked.lexer(text.slice(start))) {
      if (token.type !== "space") rest.push({ start, token });
      start += token.raw.length;
    }
    const last = rest.pop();
    if (!last) return this.#settled;
    this.#settled = [...this.#settled, ...rest];
    this.#settledText = text.slice(0, last.start);
    return [...this.#settled, last];
  }
}
