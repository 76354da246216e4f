// The whole page: where it runs, what is to run, the run, its result.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Start } from "./address";
import type { ModelFiles } from "./contender";
import { CONTENDERS } from "./contenders/index";
import { deviceFacts, warningsOf } from "./device_facts";
import { DeviceView } from "./device_view";
import { ModelForm } from "./model_form";
import { type BenchResult, type DeviceFacts, readResult, writeResult } from "./result";
import { ResultView } from "./result_view";
import { type RunSettings, runBenchmark } from "./runner";
import { SettingsForm } from "./settings_form";

type Running = { readonly now: string; readonly done: number };

export function App({ start }: { start: Start }) {
  const [files, setFiles] = useState<ModelFiles>(start.files);
  const [settings, setSettings] = useState<RunSettings>(start.settings);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(start.engines ?? CONTENDERS.map(({ id }) => id)));
  const [device, setDevice] = useState<DeviceFacts>();
  const [running, setRunning] = useState<Running>();
  const [result, setResult] = useState<BenchResult>();
  const [problem, setProblem] = useState<string>();
  const stop = useRef<AbortController | undefined>(undefined);

  useEffect(() => {
    void deviceFacts().then(setDevice);
    if (start.run) void run();
  }, []);

  const able = CONTENDERS.filter((contender) => contender.weightsOf(files) !== undefined);
  const contenders = able.filter(({ id }) => chosen.has(id));

  async function run(): Promise<void> {
    const controller = new AbortController();
    stop.current = controller;
    setProblem(undefined);
    setResult(undefined);
    try {
      const done = await runBenchmark({
        contenders,
        files,
        settings,
        signal: controller.signal,
        onProgress: (now, part, soFar) => {
          setRunning({ now, done: part });
          if (soFar) setResult(soFar);
        },
      });
      setResult(done);
      publish("done", done);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!controller.signal.aborted) setProblem(message);
      publish(`failed: ${message}`);
    } finally {
      setRunning(undefined);
    }
  }

  async function openResult(file: File): Promise<void> {
    try {
      setResult(readResult(await file.text()));
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  const ready = files.gguf !== undefined && contenders.length > 0;
  return (
    <>
      <header class="top">
        <h1>Fennec benchmark</h1>
        <p>One model, several engines, in this page and on this device, taking turns. Nothing is sent anywhere.</p>
      </header>
      <main>
        {device && <DeviceView device={device} warnings={warningsOf(device)} />}
        <div class="setup">
          <ModelForm files={files} onChange={setFiles} disabled={running !== undefined} />
          <SettingsForm
            files={files}
            chosen={chosen}
            onChoose={setChosen}
            settings={settings}
            onChange={setSettings}
            disabled={running !== undefined}
          />
        </div>
        <div class="actions">
          {running ? (
            <button type="button" class="primary" onClick={() => stop.current?.abort()}>
              Stop
            </button>
          ) : (
            <button type="button" class="primary" disabled={!ready} onClick={() => void run()}>
              Run{" "}
              {contenders.length > 0 ? `${contenders.length} ${contenders.length === 1 ? "engine" : "engines"}` : ""}
            </button>
          )}
          <label class="button">
            Open a result
            <input
              class="unseen"
              type="file"
              accept=".json"
              onChange={({ currentTarget }) => {
                const [file] = currentTarget.files ?? [];
                if (file) void openResult(file);
                currentTarget.value = "";
              }}
            />
          </label>
          {!running && !ready && <span class="note">Choose a GGUF file first.</span>}
        </div>
        {running && (
          <section class="card progress" aria-live="polite">
            <progress value={running.done} />
            <p>{running.now}</p>
          </section>
        )}
        {problem && (
          <p class="card problem" role="alert">
            {problem}
          </p>
        )}
        {result && <ResultView result={result} complete={!running} save={() => save(result)} />}
      </main>
    </>
  );
}

function save(result: BenchResult): void {
  const url = URL.createObjectURL(new Blob([writeResult(result)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `fennec-benchmark-${result.model.replace(/\.gguf$/, "")}-${result.date.slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** For whoever drives the page from outside. */
function publish(state: string, result?: BenchResult): void {
  Object.assign(globalThis, { fennecBenchmark: { state, result } });
}
