// System prompt and sampling. An empty number leaves the value to the model's file, else to the engine's default.

import type { RefObject } from "preact";
import { DEFAULT_SETTINGS, type LoadedModel, type Settings } from "./chat_state";

type NumberSetting = Exclude<keyof Settings, "system">;

interface Field {
  readonly key: NumberSetting;
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const fields: readonly Field[] = [
  { key: "temperature", label: "Temperature", hint: "0 always takes the likeliest word", min: 0, max: 2, step: 0.05 },
  { key: "topK", label: "Top-k", hint: "only the k likeliest; 0 is all", min: 0, max: 1000, step: 1 },
  { key: "topP", label: "Top-p", hint: "only the likeliest that make up this share", min: 0.01, max: 1, step: 0.01 },
  { key: "minP", label: "Min-p", hint: "only those with this share of the likeliest", min: 0, max: 1, step: 0.01 },
  { key: "repetitionPenalty", label: "Repetition penalty", hint: "1 is off", min: 1, max: 2, step: 0.01 },
  { key: "maxTokens", label: "Longest answer", hint: "tokens", min: 1, max: 1_000_000, step: 1 },
  { key: "seed", label: "Seed", hint: "the same seed gives the same answer", min: 0, max: 4_294_967_295, step: 1 },
];

interface Props {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly settings: Settings;
  readonly mode: LoadedModel["mode"];
  readonly onChange: (settings: Settings) => void;
}

export function SettingsDialog({ dialog, settings, mode, onChange }: Props) {
  return (
    <dialog ref={dialog} aria-labelledby="settings-title">
      <form method="dialog">
        <h2 id="settings-title">Settings</h2>
        <label class="field wide">
          <span>
            System prompt
            {mode === "continuation" && <small>not used: this model has no chat template</small>}
          </span>
          <textarea
            rows={3}
            value={settings.system}
            onInput={(event) => onChange({ ...settings, system: event.currentTarget.value })}
          />
        </label>
        <div class="fields">
          {fields.map(({ key, label, hint, min, max, step }) => (
            <label key={key} class="field">
              <span>
                {label} <small>{hint}</small>
              </span>
              <input
                type="number"
                min={min}
                max={max}
                step={step}
                placeholder="automatic"
                value={settings[key] ?? ""}
                onChange={(event) => onChange({ ...settings, [key]: numberOf(event.currentTarget, min, max) })}
              />
            </label>
          ))}
        </div>
        <p class="dialog-actions">
          <button type="button" onClick={() => onChange(DEFAULT_SETTINGS)}>
            Reset
          </button>
          <button type="submit" class="primary">
            Done
          </button>
        </p>
      </form>
    </dialog>
  );
}

/** What is in a field, kept inside its range; null when it is empty or no number. */
function numberOf(input: HTMLInputElement, min: number, max: number): number | null {
  const value = input.valueAsNumber;
  return Number.isNaN(value) ? null : Math.min(max, Math.max(min, value));
}
