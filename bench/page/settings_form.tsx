// Which engines run, and how much of what.

import { colorOf } from "./colors";
import type { ModelFiles } from "./contender";
import { CONTENDERS } from "./contenders/index";
import type { RunSettings } from "./runner";

interface Props {
  readonly files: ModelFiles;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  readonly settings: RunSettings;
  readonly onChange: (settings: RunSettings) => void;
  readonly disabled: boolean;
}

const FIELDS = [
  ["rounds", "Rounds", 50],
  ["promptTokens", "Prompt, tokens", 65_536],
  ["replyTokens", "Reply, tokens", 8192],
  ["threads", "Threads of engines on the processor", 64],
] as const;

export function SettingsForm({ files, chosen, onChoose, settings, onChange, disabled }: Props) {
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    onChoose(next);
  };
  return (
    <fieldset class="card" disabled={disabled}>
      <legend>Run</legend>
      <ul class="engines">
        {CONTENDERS.map((contender) => {
          const weights = contender.weightsOf(files);
          return (
            <li key={contender.id} class={weights === undefined ? "without" : ""}>
              <label>
                <input
                  type="checkbox"
                  disabled={weights === undefined}
                  checked={weights !== undefined && chosen.has(contender.id)}
                  onChange={({ currentTarget }) => toggle(contender.id, currentTarget.checked)}
                />
                <i class="swatch" style={{ background: colorOf(contender.id) }} />
                <span>{contender.name}</span>
                <small>{weights ?? "no model for it yet"}</small>
              </label>
            </li>
          );
        })}
      </ul>
      <div class="fields">
        {FIELDS.map(([name, text, most]) => (
          <label key={name} class="field">
            {text}
            <input
              type="number"
              min={1}
              max={most}
              value={settings[name]}
              onChange={({ currentTarget: { valueAsNumber } }) => {
                if (Number.isInteger(valueAsNumber) && valueAsNumber >= 1 && valueAsNumber <= most) {
                  onChange({ ...settings, [name]: valueAsNumber });
                }
              }}
            />
          </label>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={settings.memory}
          onChange={({ currentTarget }) => onChange({ ...settings, memory: currentTarget.checked })}
        />
        Measure the page's memory after each load (takes a while)
      </label>
      <p class="note">Engines take turns in every round, and every second round backwards. Keep this tab in front.</p>
    </fieldset>
  );
}
