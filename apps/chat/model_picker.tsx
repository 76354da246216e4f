// Where a model can come from: the built-in one, one kept in this browser, a file, an address.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Controller } from "./chat_controller";
import type { KeptModel } from "./chat_state";
import { builtinModel, builtinUrl } from "./engine_client";
import { formatBytes } from "./format";

interface Props {
  readonly kept: readonly KeptModel[];
  readonly noGpu: string | undefined;
  readonly controller: Controller;
}

export function ModelPicker({ controller, noGpu, ...props }: Props) {
  const kept = props.kept.filter(({ id }) => id !== builtinUrl());
  const [keep, setKeep] = useState(true);
  const openFile = (file: File | null | undefined) => file && void controller.openModel({ kind: "file", file, keep });
  const dropping = useFileDrop(openFile);
  return (
    <section class={dropping ? "picker dropping" : "picker"} aria-label="Choose a model">
      <p class="lead">Chat with a language model that runs on this device. Nothing that you write leaves it.</p>
      {noGpu && (
        <details class="note">
          <summary>This browser offers no WebGPU: models run on the processor, slowly.</summary>
          <p>{noGpu}</p>
        </details>
      )}
      {builtinModel && (
        <section class="choice">
          <h2>Built-in model</h2>
          <p>A very small model, {formatBytes(builtinModel.bytes)}: enough to see that everything works.</p>
          <button type="button" class="primary" onClick={() => void controller.openModel({ kind: "builtin" })}>
            Use the built-in model
          </button>
        </section>
      )}
      {kept.length > 0 && <KeptModels kept={kept} controller={controller} />}
      <section class="choice">
        <h2>A file</h2>
        <p>A GGUF file from this device. Choose it, or drop it anywhere on this page.</p>
        <label class="button primary">
          Choose a file
          <input
            class="unseen"
            type="file"
            accept=".gguf"
            onChange={(event) => {
              openFile(event.currentTarget.files?.[0]);
              event.currentTarget.value = ""; // so that the same file can be chosen again
            }}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
          Keep a copy in this browser, to open it next time without choosing it again
        </label>
      </section>
      <AddressForm controller={controller} />
    </section>
  );
}

function KeptModels({ kept, controller }: { kept: readonly KeptModel[]; controller: Controller }) {
  return (
    <section class="choice">
      <h2>Kept in this browser</h2>
      <ul class="kept">
        {kept.map((model) => (
          <li key={model.id}>
            <button type="button" class="open" onClick={() => void controller.openModel({ kind: "kept", model })}>
              {model.name} <small>{formatBytes(model.bytes)}</small>
            </button>
            <button type="button" aria-label={`Remove ${model.name}`} onClick={() => void controller.forget(model)}>
              Remove
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function AddressForm({ controller }: { controller: Controller }) {
  const [url, setUrl] = useState("");
  return (
    <form
      class="choice"
      onSubmit={(event) => {
        event.preventDefault();
        if (url.trim()) void controller.openModel({ kind: "url", url: url.trim() });
      }}
    >
      <h2>
        <label for="address">An address</label>
      </h2>
      <p>
        The URL of a GGUF file, or a name like <code>hf:owner/repo/file.gguf</code>. It is downloaded once and kept in
        this browser.
      </p>
      <div class="row">
        <input
          id="address"
          type="text"
          inputMode="url"
          autocomplete="off"
          spellcheck={false}
          value={url}
          onInput={(event) => setUrl(event.currentTarget.value)}
        />
        <button type="submit" class="primary">
          Open
        </button>
      </div>
    </form>
  );
}

/** Takes a file dropped anywhere on the page. @returns True while one hovers. */
function useFileDrop(onFile: (file: File) => void): boolean {
  const [hovering, setHovering] = useState(false);
  const take = useRef(onFile);
  take.current = onFile;
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setHovering(true);
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setHovering(false);
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      setHovering(false);
      if (!file) return;
      event.preventDefault();
      take.current(file);
    };
    window.addEventListener("dragover", over);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return hovering;
}
