// A forward reader of little-endian values over the head of a file, fetched in growing pieces: a header ends somewhere
// that only its own content tells. Parsing is synchronous; when bytes are missing the entry is parsed again after a read.

import { FennecError } from "../errors";
import type { ByteSource } from "./weights_file";

/** First request. Holds the whole header of files with small vocabularies, and costs nothing over a slow line. */
const FIRST_READ_BYTES = 256 << 10;

/** Each further request brings this many times what was there: four requests for a header of 16 MB. */
const GROWTH = 4;

/** Thrown by reads past the fetched part, caught in {@link HeaderCursor.entry}. Carries no state, so one will do. */
const needMore = Symbol("needMore");

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

export class HeaderCursor {
  /** Bytes from the start of the file. */
  position = 0;
  private bytes = new Uint8Array(0);
  private view = new DataView(this.bytes.buffer);
  private wanted = 0;
  private readonly source: ByteSource;
  private readonly limit: number;
  private readonly signal: AbortSignal | undefined;

  /** @param maxBytes How far the header may reach; beyond it `file-corrupt`. */
  constructor(source: ByteSource, maxBytes: number, signal?: AbortSignal) {
    this.source = source;
    this.limit = maxBytes;
    this.signal = signal;
  }

  get name(): string {
    return this.source.name;
  }

  /** Bytes of the file after the current position: the bound of every claim about what follows. */
  get remaining(): number {
    return this.source.size - this.position;
  }

  /** Runs a synchronous parser, from the same position again whenever it needs bytes that are not here yet. */
  async entry<T>(parse: (cursor: HeaderCursor) => T): Promise<T> {
    const start = this.position;
    for (;;) {
      try {
        return parse(this);
      } catch (thrown) {
        if (thrown !== needMore) throw thrown;
        this.position = start;
        await this.grow();
      }
    }
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  i8(): number {
    return this.view.getInt8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  i16(): number {
    return this.view.getInt16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }
  i64(): bigint {
    return this.view.getBigInt64(this.take(8), true);
  }

  /** An unsigned 64-bit count, at most `max`: larger is `file-corrupt`, so that no claim reaches an allocation. */
  count(what: string, max: number): number {
    const at = this.take(8);
    const value = this.view.getUint32(at + 4, true) * 2 ** 32 + this.view.getUint32(at, true);
    if (value <= max) return value;
    throw new FennecError(
      "file-corrupt",
      `${this.name}: ${what} at byte ${at} is ${this.view.getBigUint64(at, true)}; at most ${max} is possible. ` +
        `The file is damaged, or not what its name says.`,
    );
  }

  /** A length-prefixed string; bytes that are not UTF-8 become U+FFFD, or `file-corrupt` when `strict`. */
  string(what: string, max: number, strict = false): string {
    const length = this.count(`the length of ${what}`, max);
    const at = this.take(length);
    const bytes = this.bytes.subarray(at, at + length);
    if (!strict) return utf8.decode(bytes);
    try {
      return strictUtf8.decode(bytes);
    } catch (error) {
      throw new FennecError("file-corrupt", `${this.name}: ${what} at byte ${at} is not UTF-8.`, { cause: error });
    }
  }

  /** A copy of the next `length` bytes, aligned for any typed array. */
  copy(length: number): ArrayBuffer {
    const at = this.take(length);
    return this.bytes.slice(at, at + length).buffer;
  }

  /** Makes sure that `length` more bytes exist in the file and are here, before anything of that size is built. */
  ensure(length: number): void {
    this.position = this.take(length);
  }

  private take(length: number): number {
    const at = this.position;
    const end = at + length;
    if (end > this.bytes.length) {
      if (end > this.source.size) throw this.truncated(end);
      if (end > this.limit) throw this.tooLong();
      this.wanted = end;
      throw needMore;
    }
    this.position = end;
    return at;
  }

  private async grow(): Promise<void> {
    const have = this.bytes.length;
    const target = Math.max(FIRST_READ_BYTES, have * GROWTH, this.wanted);
    const end = Math.min(target, this.source.size, Math.max(this.limit, this.wanted));
    const more = await this.source.read(have, end - have, this.signal);
    const grown = new Uint8Array(end);
    grown.set(this.bytes);
    grown.set(more, have);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  private truncated(end: number): FennecError {
    return new FennecError(
      "file-truncated",
      `${this.name}: the header goes on to byte ${end} at least, but the file ends at ${this.source.size}. ` +
        `The download or copy was probably cut short; fetch the file again.`,
    );
  }

  private tooLong(): FennecError {
    return new FennecError(
      "file-corrupt",
      `${this.name}: the header is longer than ${this.limit} bytes. The file is damaged, or not what its name says.`,
    );
  }
}
