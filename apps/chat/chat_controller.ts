// What happens when a person does something: the only writer of the page's state. The engine is in a worker; its replies
// are gathered here and shown once per frame.

import type { ChatParams } from "@fennec/engine";
import type { ChatState, KeptModel, Message, ReplyStats, Settings, Store } from "./chat_state";
import {
  checkDevice,
  forgetKept,
  listKept,
  type ModelSource,
  type OpenModel,
  openModel,
  sourceName,
} from "./engine_client";
import { Speed } from "./format";
import { isAbort, type Problem, problemOf } from "./problem";
import { loadLastModel, saveConversation, saveLastModel, saveSettings } from "./storage";

export interface Controller {
  /** Lists the kept models, and opens the one that was in use at the last visit. */
  readonly start: () => Promise<void>;
  readonly openModel: (source: ModelSource) => Promise<void>;
  readonly cancelLoading: () => void;
  readonly closeModel: () => void;
  readonly forget: (model: KeptModel) => Promise<void>;
  readonly send: (text: string) => Promise<void>;
  readonly regenerate: () => Promise<void>;
  readonly stop: () => void;
  readonly newConversation: () => void;
  readonly changeSettings: (settings: Settings) => void;
  readonly dismissProblem: () => void;
  readonly dismissDevice: () => void;
}

export function createController(store: Store<ChatState>): Controller {
  let model: OpenModel | undefined;
  let loading: AbortController | undefined;
  let replying: AbortController | undefined;

  async function start(): Promise<void> {
    try {
      store.update({ noGpu: await checkDevice() });
    } catch (error) {
      return store.update({ problem: problemOf(error) });
    }
    const kept = await refreshKept();
    const last = loadLastModel();
    const again = last?.confirmed && kept.find(({ id }) => id === last.id);
    if (again) await open({ kind: "kept", model: again });
  }

  async function refreshKept(): Promise<readonly KeptModel[]> {
    const kept = await listKept();
    store.update({ kept });
    return kept;
  }

  async function open(source: ModelSource): Promise<void> {
    loading?.abort();
    closeModel();
    const { signal } = (loading = new AbortController());
    const speed = new Speed();
    const name = sourceName(source);
    store.update({
      problem: undefined,
      loading: { name, phase: "header", bytesLoaded: 0, bytesTotal: 0, bytesPerSecond: 0 },
    });
    if (source.kind === "kept") saveLastModel({ id: source.model.id, confirmed: false });
    try {
      const opened = await openModel(source, {
        signal,
        onProgress: (progress) => {
          if (signal.aborted) return;
          const bytesPerSecond = speed.add(progress.bytesLoaded, performance.now());
          store.update({ loading: { name, ...progress, bytesPerSecond } });
        },
        onDevice: (device, description) => {
          if (!signal.aborted && model) store.update({ device, model: description });
        },
      });
      if (signal.aborted) return opened.close();
      model = opened;
      store.update({ loading: undefined, model: opened.description });
      opened.lost.then((error) => model === opened && fail(error));
      await rememberKept(opened);
    } catch (error) {
      if (!signal.aborted) store.update({ loading: undefined, problem: problemOf(error) });
    }
  }

  /** The model opens again by itself at the next visit, unless it was closed or another opened meanwhile. */
  async function rememberKept(opened: OpenModel): Promise<void> {
    const kept = await opened.kept;
    if (kept && model === opened) saveLastModel({ id: kept.id, confirmed: true });
    await refreshKept();
  }

  function cancelLoading(): void {
    loading?.abort();
    store.update({ loading: undefined });
  }

  function closeModel(): void {
    stop();
    model?.close();
    model = undefined;
    store.update({ model: undefined, device: undefined });
    saveLastModel(undefined);
  }

  async function forget(kept: KeptModel): Promise<void> {
    await forgetKept(kept);
    await refreshKept();
  }

  async function send(text: string): Promise<void> {
    if (!model || replying) return;
    const { messages } = store.get();
    await reply([...messages, { id: nextId(messages), role: "user", text }]);
  }

  async function regenerate(): Promise<void> {
    if (!model || replying) return;
    const { messages } = store.get();
    const lastQuestion = messages.findLastIndex(({ role }) => role === "user");
    if (lastQuestion >= 0) await reply(messages.slice(0, lastQuestion + 1));
  }

  /** Lets the model answer the last of `before`. */
  async function reply(before: readonly Message[]): Promise<void> {
    const current = model!;
    const { signal } = (replying = new AbortController());
    const answer = { id: nextId(before), role: "assistant" as const };
    let text = "";
    let stats: ReplyStats | undefined;
    let problem: Problem | undefined;
    const show = (extra?: Partial<Message>) => store.update({ messages: [...before, { ...answer, text, ...extra }] });
    const frames = oncePerFrame(() => show());
    store.update({ problem: undefined, generating: true });
    show();
    try {
      for await (const piece of current.reply(request(before, store.get().settings), signal)) {
        text += piece.text;
        stats = piece.stats ?? stats;
        frames.request();
      }
    } catch (error) {
      if (!isAbort(error)) problem = problemOf(error);
    }
    frames.cancel();
    replying = undefined;
    const stopped = signal.aborted || problem !== undefined;
    if (text === "" && stopped) store.update({ messages: before });
    else show({ ...(stats && { stats }), ...(stopped && { stopped }) });
    store.update({ generating: false, ...(problem && { problem }) });
    saveConversation(store.get().messages);
  }

  function stop(): void {
    replying?.abort();
  }

  function newConversation(): void {
    stop();
    store.update({ messages: [], problem: undefined });
    saveConversation([]);
  }

  function changeSettings(settings: Settings): void {
    store.update({ settings });
    saveSettings(settings);
  }

  function fail(error: unknown): void {
    closeModel();
    store.update({ problem: problemOf(error) });
  }

  return {
    start,
    openModel: open,
    cancelLoading,
    closeModel,
    forget,
    send,
    regenerate,
    stop,
    newConversation,
    changeSettings,
    dismissProblem: () => store.update({ problem: undefined }),
    dismissDevice: () => store.update({ device: undefined }),
  };
}

/** What is asked of the engine: the conversation with the person's settings. */
function request(messages: readonly Message[], settings: Settings): ChatParams {
  const system = settings.system.trim();
  return {
    messages: [
      ...(system ? [{ role: "system" as const, content: system }] : []),
      ...messages.map(({ role, text }) => ({ role, content: text })),
    ],
    ...samplingParams(settings),
    max_tokens: settings.maxTokens,
  };
}

function samplingParams(settings: Settings): Omit<ChatParams, "messages"> {
  return {
    temperature: settings.temperature,
    top_k: settings.topK,
    top_p: settings.topP,
    min_p: settings.minP,
    repetition_penalty: settings.repetitionPenalty,
    seed: settings.seed,
  };
}

function nextId(messages: readonly Message[]): number {
  return (messages.at(-1)?.id ?? 0) + 1;
}

/** Calls `draw` at most once per frame of the screen. */
function oncePerFrame(draw: () => void): { readonly request: () => void; readonly cancel: () => void } {
  let pending = 0;
  return {
    request: () => {
      pending ||= requestAnimationFrame(() => {
        pending = 0;
        draw();
      });
    },
    cancel: () => cancelAnimationFrame(pending),
  };
}
