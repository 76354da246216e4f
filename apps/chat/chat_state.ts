// Everything the page shows, as data. Changed only by chat_controller.ts.

import type { Problem } from "./problem";

export interface Message {
  readonly id: number;
  readonly role: "user" | "assistant";
  readonly text: string;
  /** How the reply went; absent for what people wrote and for replies of earlier visits. */
  readonly stats?: ReplyStats;
  /** The person stopped it, or the page did because of an error. */
  readonly stopped?: boolean;
}

export interface ReplyStats {
  readonly timeToFirstTokenMs: number;
  /** Decoding only; 0 for a reply of one token. */
  readonly tokensPerSecond: number;
  readonly tokens: number;
  /** The page was hidden meanwhile: the times say little. */
  readonly throttled: boolean;
}

/** Null leaves the value to the model's file, else to the engine's defaults. */
export interface Settings {
  readonly system: string;
  readonly temperature: number | null;
  readonly topK: number | null;
  readonly topP: number | null;
  readonly minP: number | null;
  readonly repetitionPenalty: number | null;
  readonly maxTokens: number | null;
  readonly seed: number | null;
}

export const DEFAULT_SETTINGS: Settings = {
  system: "",
  temperature: null,
  topK: null,
  topP: null,
  minP: null,
  repetitionPenalty: null,
  maxTokens: null,
  seed: null,
};

/** A model that this browser keeps. */
export interface KeptModel {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
}

export interface LoadedModel {
  readonly name: string;
  readonly architecture: string;
  readonly adapter: string;
  /** Why it does not run on WebGPU. */
  readonly reason?: string;
  /** Longest conversation, tokens. */
  readonly context: number;
  /** `conversation` through the file's chat template; `continuation` of a text where it has none. */
  readonly mode: "conversation" | "continuation";
}

/** The GPU was taken away while a model was open. */
export interface DeviceChange {
  /** `lost`: the model is being loaded again. Then where it runs. */
  readonly state: "lost" | "on-gpu" | "on-processor";
  readonly reason: string;
}

export interface Loading {
  readonly name: string;
  readonly phase: "waiting" | "header" | "compile" | "weights" | "ready";
  readonly bytesLoaded: number;
  /** 0 while unknown. */
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
}

export interface ChatState {
  readonly model: LoadedModel | undefined;
  readonly loading: Loading | undefined;
  readonly kept: readonly KeptModel[];
  readonly messages: readonly Message[];
  readonly generating: boolean;
  readonly problem: Problem | undefined;
  readonly device: DeviceChange | undefined;
  /** Why models run on the processor here, slowly; undefined where they run on the GPU. */
  readonly noGpu: string | undefined;
  readonly settings: Settings;
}

export interface Store<T> {
  readonly get: () => T;
  readonly update: (change: Partial<T>) => void;
  /** @returns What ends the subscription. */
  readonly subscribe: (listener: () => void) => () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    update: (change) => {
      state = { ...state, ...change };
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
