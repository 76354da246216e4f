// What the page remembers between visits, in localStorage. Every read is checked: an old version or another page may
// have written it.

import { DEFAULT_SETTINGS, type Message, type Settings } from "./chat_state";

const PREFIX = "fennec.chat.";
/** A conversation longer than this is not kept: localStorage holds about 5 MB. */
const MAX_CHARACTERS = 1_000_000;

export function loadSettings(): Settings {
  const stored = read("settings");
  if (!isRecord(stored)) return DEFAULT_SETTINGS;
  const known = Object.entries(DEFAULT_SETTINGS).map(([key, initial]) => {
    const value = stored[key];
    const fits = key === "system" ? typeof value === "string" : value === null || typeof value === "number";
    return [key, fits ? value : initial] as const;
  });
  return { ...DEFAULT_SETTINGS, ...Object.fromEntries(known) };
}

export function saveSettings(settings: Settings): void {
  write("settings", settings);
}

export function loadConversation(): readonly Message[] {
  const stored = read("conversation");
  return Array.isArray(stored) ? stored.filter(isMessage).map(({ id, role, text }) => ({ id, role, text })) : [];
}

export function saveConversation(messages: readonly Message[]): void {
  const kept = messages.map(({ id, role, text }) => ({ id, role, text }));
  const size = kept.reduce((sum, { text }) => sum + text.length, 0);
  if (size <= MAX_CHARACTERS) write("conversation", kept);
}

/**
 * The model to open again at the next visit. It is marked before loading starts and confirmed when it worked, so that
 * a model that brought the page down is not opened again by itself.
 */
export interface LastModel {
  readonly id: string;
  readonly confirmed: boolean;
}

export function loadLastModel(): LastModel | undefined {
  const stored = read("last-model");
  if (!isRecord(stored) || typeof stored.id !== "string") return undefined;
  return { id: stored.id, confirmed: stored.confirmed === true };
}

export function saveLastModel(last: LastModel | undefined): void {
  write("last-model", last ?? null);
}

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

/** Private windows and full quotas refuse; then nothing is remembered. */
function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    console.warn(`not remembered: ${key}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isMessage(value: unknown): value is Message {
  return (
    isRecord(value) &&
    typeof value.id === "number" &&
    (value.role === "user" || value.role === "assistant") &&
    typeof value.text === "string"
  );
}
