// What goes between the page and the worker of Transformers.js.

export type ToTransformers =
  | {
      readonly type: "load";
      readonly source: readonly File[] | string;
      readonly device: "webgpu" | "wasm";
      readonly dtype?: string;
      readonly threads: number;
    }
  | { readonly type: "reply"; readonly prompt: string; readonly tokens: number };

export type FromTransformers =
  | { readonly type: "ready" }
  /** A token arrived. */
  | { readonly type: "token" }
  | { readonly type: "done"; readonly text: string; readonly promptTokens: number; readonly tokens: number }
  | { readonly type: "error"; readonly message: string };
