// What the page says when something goes wrong: a heading and advice by error code, and the engine's own message.

import { type ErrorCode, isFennecError } from "@fennec/engine";

export interface Problem {
  readonly code: ErrorCode | "unexpected";
  readonly title: string;
  /** What a person can do. */
  readonly advice: string;
  /** The engine's message: what, where, got, expected. */
  readonly detail: string;
}

const BROKEN_FILE = "Download the file again, or choose another one.";
const OTHER_MODEL = "Choose another model: this page runs GGUF files of the families that its README lists.";
const SMALLER = "Close other tabs and programs that use the GPU, or choose a smaller model.";

const texts: Partial<Record<ErrorCode, readonly [title: string, advice: string]>> = {
  "webgpu-missing": [
    "This browser offers no WebGPU",
    "Update the browser or the graphics driver. Chrome, Edge, Safari 26 and Firefox on most computers have WebGPU; " +
      "it needs a page on https or localhost.",
  ],
  "webgpu-limits": ["The model does not fit this GPU", "Choose a smaller model."],
  "out-of-memory": ["Out of memory", SMALLER],
  "device-lost": [
    "The GPU was taken away",
    "Load the model again; a driver update or a sleeping computer can do this.",
  ],
  "self-test-failed": [
    "This GPU computes wrong results",
    "Update the graphics driver. The answers could not be trusted.",
  ],
  "kernel-compile": ["A GPU program did not compile", "Update the browser or the graphics driver."],
  "no-chat-template": [
    "This model has no chat template",
    "It was not made for conversations. It can still continue a text that you write.",
  ],
  "template-failed": ["The model's chat template failed", "The file may be converted badly. Choose another model."],
  "tokenizer-missing": [
    "This file has no tokenizer",
    "Without one, text cannot go in or out. Choose a complete model file.",
  ],
  "tokenizer-unsupported": ["This model's tokenizer is not supported", OTHER_MODEL],
  "file-unsupported": ["This file is not supported", OTHER_MODEL],
  "file-truncated": ["The file is incomplete", BROKEN_FILE],
  "file-corrupt": ["The file is damaged, or not a model", BROKEN_FILE],
  "tensor-missing": ["The file lacks a part of the model", BROKEN_FILE],
  "tensor-shape": ["The file does not fit its own description", BROKEN_FILE],
  "tensor-not-finite": ["The file holds broken numbers", BROKEN_FILE],
  "metadata-missing": ["The file lacks part of its description", BROKEN_FILE],
  "metadata-type": ["The file's description is damaged", BROKEN_FILE],
  "source-unreadable": ["The model cannot be read", "Check the address and the connection, or choose the file again."],
  "source-changed": ["The model changed while it was read", "Start again."],
  "context-full": ["The conversation is too long for this model", "Start a new conversation."],
  "quota-exceeded": ["The browser's storage is full", "Remove a model from the list of those kept in this browser."],
  "worker-failed": ["The engine stopped", "Reload the page. " + SMALLER],
};

export function problemOf(error: unknown): Problem {
  const detail = error instanceof Error ? error.message : String(error);
  if (!isFennecError(error)) {
    return { code: "unexpected", title: "Something went wrong", advice: "Reload the page and try again.", detail };
  }
  const [title, advice] = texts[error.code] ?? ["The engine refused", "Change the request and try again."];
  return { code: error.code, title, advice, detail };
}

export function isAbort(error: unknown): boolean {
  return isFennecError(error) ? error.code === "aborted" : error instanceof DOMException && error.name === "AbortError";
}
