// A writer for the Protocol Buffers wire format, as far as an ONNX model needs it: messages are lists of fields. It knows
// nothing of ONNX. Source: protobuf.dev/programming-guides/encoding.

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

/** One message, written field by field. */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** An int32, int64 or enum. Negative numbers take ten bytes, as the format wants. */
  int(field: number, value: number): this {
    return this.#put(varint(field * 8 + VARINT), varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#put(varint(field * 8 + FIXED32), bytes);
  }

  /** Strings and bytes. The bytes are not copied before {@link finish}. */
  bytes(field: number, value: string | Uint8Array): this {
    const bytes = typeof value === "string" ? utf8.encode(value) : value;
    return this.#put(varint(field * 8 + BYTES), varint(bytes.length), bytes);
  }

  /** A message inside this one. */
  message(field: number, write: (inner: ProtoWriter) => void): this {
    const inner = new ProtoWriter();
    write(inner);
    return this.#put(varint(field * 8 + BYTES), varint(inner.#length), ...inner.#parts);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #put(...parts: readonly Uint8Array[]): this {
    for (const part of parts) {
      this.#parts.push(part);
      this.#length += part.length;
    }
    return this;
  }
}

/** Seven bits a byte, lowest first; two's complement of 64 bits below zero. @param value A safe integer. */
export function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
