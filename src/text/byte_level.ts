// The byte alphabet of byte-level BPE: each byte is written as one printable character, so that a vocabulary can be a
// list of strings. Source: `bytes_to_unicode` in GPT-2's encoder (printable Latin-1 stands for itself, the other 68
// bytes are U+0100 onwards in order).

const PRINTABLE: readonly (readonly [first: number, last: number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = PRINTABLE.some(([first, last]) => byte >= first && byte <= last);
    map.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return map;
})();

const encoder = new TextEncoder();

/** Bytes that a byte-level token stands for. Characters outside the alphabet (hand-made vocabularies) are their UTF-8. */
export function bytesOfByteLevel(token: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTE_OF_CHARACTER.get(character);
    if (byte === undefined) bytes.push(...encoder.encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
