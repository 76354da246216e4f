// Text for prompts: simple sentences in an order of their own for each number, so that no engine has computed the
// beginning of one before.

const WHO = [
  "the fox",
  "a small bird",
  "the old farmer",
  "my sister",
  "the king",
  "a brave boy",
  "the cat",
  "her friend",
];
const DID = ["found", "lost", "painted", "carried", "wanted", "forgot", "saw", "made"];
const WHAT = [
  "a red ball",
  "the big tree",
  "an apple",
  "a long letter",
  "the lamp",
  "a blue stone",
  "some bread",
  "a boat",
];
const WHERE = [
  "in the garden",
  "near the river",
  "at home",
  "on the hill",
  "under the bed",
  "by the sea",
  "in town",
  "at school",
];

/** @param number Another one begins with other words. @returns About so many words. */
export function promptText(number: number, words: number): string {
  let state = (Math.imul(number + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;
  const pick = (list: readonly string[]): string => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return list[(state >>> 16) % list.length]!;
  };
  const sentences: string[] = [];
  for (let count = 0; count < words; ) {
    const sentence = `${pick(WHO)} ${pick(DID)} ${pick(WHAT)} ${pick(WHERE)}.`;
    sentences.push(sentence[0]!.toUpperCase() + sentence.slice(1));
    count += sentence.split(" ").length;
  }
  return sentences.join(" ");
}

/**
 * A prompt of as close to `tokens` tokens as whole words allow, never more.
 * @param count Tokens of a text, as the model's tokenizer has them.
 */
export async function promptOfTokens(number: number, tokens: number, count: (text: string) => Promise<number>) {
  const words = promptText(number, 2 * tokens + 8).split(" ");
  let low = 1;
  let high = words.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((await count(words.slice(0, middle).join(" "))) <= tokens) low = middle;
    else high = middle - 1;
  }
  return words.slice(0, low).join(" ");
}
