// What a command may do to the world. Commands get this instead of `process`, so that tests run them in the same process
// and look at what came out.

export interface Io {
  /** Data. Resolves when it is written; never rejects: a reader that is gone aborts {@link signal}. */
  out(data: string | Uint8Array): Promise<void>;
  /** One line for people. */
  note(line: string): void;
  /** A line that the next one replaces; shown on terminals only. Undefined takes it away. */
  progress(line: string | undefined): void;
  /** Whether people read the data as it comes. */
  readonly outIsTerminal: boolean;
  /** Aborts on Ctrl-C, and when nobody reads the data any more. */
  readonly signal: AbortSignal;
  /** Nobody reads the data any more (`fennec generate ... | head`): the command is done, without an error. */
  readonly readerGone: boolean;
  /** The next line of input, without its end; undefined at the end of the input. The prompt is shown on terminals only. */
  ask(prompt: string): Promise<string | undefined>;
  /** All of the input. */
  readInput(): Promise<string>;
  /** Runs work that Ctrl-C ends without ending the command. */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}
