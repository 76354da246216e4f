// The one error class of the package. Anything else that is thrown is a bug in the package.

/**
 * Stable, machine-readable reasons. Applications branch on these, never on message text.
 * A new reason is added here and in the README's table of codes.
 */
export type ErrorCode =
  // Sources and files
  | "source-unreadable" // the path, URL or Blob cannot be read at all
  | "source-changed" // the bytes are not those of the earlier request (size, etag, hash)
  | "file-truncated"
  | "file-corrupt" // wrong magic, impossible counts, overlapping ranges, duplicate names
  | "file-unsupported" // a well-formed file that this version cannot run (version, type, architecture)
  | "tensor-missing"
  | "tensor-shape"
  | "tensor-not-finite" // NaN or Inf in a scale or a weight
  | "metadata-missing"
  | "metadata-type"
  // Text
  | "tokenizer-missing"
  | "tokenizer-unsupported"
  | "no-chat-template"
  | "template-failed"
  // Device
  | "webgpu-missing"
  | "webgpu-limits" // the adapter's limits are too small for this model
  | "kernel-compile"
  | "self-test-failed"
  | "device-lost"
  | "out-of-memory"
  | "backend-unsupported" // this backend cannot run this graph
  // Use
  | "invalid-argument"
  | "context-full"
  | "disposed"
  | "aborted"
  | "worker-failed"
  | "quota-exceeded";

/**
 * Base of every error this package throws on purpose.
 *
 * Messages say what went wrong, where, what was found, what was expected, and what to try.
 */
export class FennecError extends Error {
  override readonly name = "FennecError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for a {@link FennecError} of this or another copy of the package, or one revived from a worker. */
export function isFennecError(error: unknown): error is FennecError {
  return error instanceof Error && error.name === "FennecError" && "code" in error;
}
