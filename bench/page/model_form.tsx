// What to run: a GGUF file, and the same model in the forms that other engines read.

import { useState } from "preact/hooks";
import { lastPart, type ModelFiles } from "./contender";

interface Props {
  readonly files: ModelFiles;
  readonly onChange: (files: ModelFiles) => void;
  readonly disabled: boolean;
}

/** As Transformers.js names them. */
const ONNX_TYPES = ["fp32", "fp16", "q8", "q4", "q4f16"];

export function ModelForm({ files, onChange, disabled }: Props) {
  const { gguf, onnx, mlc } = files;
  return (
    <fieldset class="card" disabled={disabled}>
      <legend>Model</legend>
      <div class="source">
        <h2>GGUF</h2>
        <p class="note">For Fennec and wllama: the same bytes.</p>
        <Chosen name={gguf && (typeof gguf === "string" ? lastPart(gguf) : gguf.name)} />
        <div class="row">
          <FileButton
            text="Choose a file"
            accept=".gguf"
            onFiles={([file]) => file && onChange({ ...files, gguf: file })}
          />
          <Address text="or an address" onAddress={(address) => onChange({ ...files, gguf: address })} />
        </div>
      </div>
      <div class="source">
        <h2>ONNX folder</h2>
        <p class="note">
          For Transformers.js. <code>fennec export-onnx MODEL.gguf FOLDER</code> makes one with the same weights.
        </p>
        <Chosen name={folderName(onnx)} />
        <div class="row">
          <FileButton
            text="Choose a folder"
            folder
            onFiles={(list) => list.length > 0 && onChange({ ...files, onnx: list, onnxHasSameWeights: true })}
          />
          <Address
            text="or a name on the hub"
            onAddress={(name) => onChange({ ...files, onnx: name, onnxHasSameWeights: false })}
          />
        </div>
        {onnx !== undefined && (
          <div class="row">
            <label class="check">
              <input
                type="checkbox"
                checked={files.onnxHasSameWeights ?? false}
                onChange={({ currentTarget }) => onChange({ ...files, onnxHasSameWeights: currentTarget.checked })}
              />
              the GGUF file's weights
            </label>
            {(["gpu", "cpu"] as const).map((on) => (
              <label class="check" key={on}>
                type on the {on === "gpu" ? "GPU" : "processor"}
                <select
                  value={files.onnxTypes?.[on] ?? ""}
                  onChange={({ currentTarget: { value } }) => {
                    const { [on]: _, ...others } = files.onnxTypes ?? {};
                    onChange({ ...files, onnxTypes: value ? { ...others, [on]: value } : others });
                  }}
                >
                  <option value="">its default</option>
                  {ONNX_TYPES.map((type) => (
                    <option key={type} value={type}>
                      {type}
                    </option>
                  ))}
                </select>
              </label>
            ))}
          </div>
        )}
      </div>
      <div class="source">
        <h2>WebLLM model</h2>
        <p class="note">
          A name from its list: it downloads its own weights, which are others. Or a folder with the GGUF file's
          weights, which <code>bench/page/mlc_folder.mjs</code> makes for a library that MLC compiled.
        </p>
        <Chosen name={mlc && [mlc.model, ...(mlc.library ? [mlc.library] : [])].join(", ")} />
        <div class="row">
          <Address
            text="such as Qwen3-0.6B-q4f16_1-MLC"
            onAddress={(model) => onChange({ ...files, mlc: { ...mlc, model } })}
          />
          {mlc && (
            <Address
              text="and a folder's library (.wasm)"
              onAddress={(library) => onChange({ ...files, mlc: { ...mlc, library, sameWeights: true } })}
            />
          )}
        </div>
      </div>
    </fieldset>
  );
}

function Chosen({ name }: { name: string | undefined }) {
  return name ? <p class="chosen">{name}</p> : null;
}

function folderName(onnx: ModelFiles["onnx"]): string | undefined {
  if (onnx === undefined || typeof onnx === "string") return onnx && lastPart(onnx);
  return onnx[0]?.webkitRelativePath.split("/")[0];
}

interface FileButtonProps {
  readonly text: string;
  readonly accept?: string;
  readonly folder?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

function FileButton({ text, accept, folder = false, onFiles }: FileButtonProps) {
  return (
    <label class="button">
      {text}
      <input
        class="unseen"
        type="file"
        {...(accept && { accept })}
        {...(folder && { webkitdirectory: true })}
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
    </label>
  );
}

function Address({ text, onAddress }: { text: string; onAddress: (address: string) => void }) {
  const [value, setValue] = useState("");
  return (
    <input
      type="text"
      aria-label={text}
      placeholder={text}
      autocomplete="off"
      spellcheck={false}
      value={value}
      onInput={({ currentTarget }) => setValue(currentTarget.value)}
      onChange={() => value.trim() && onAddress(value.trim())}
    />
  );
}
