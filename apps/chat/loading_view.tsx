// How far a model is loaded: bytes, speed, and what happens now.

import type { Loading } from "./chat_state";
import { formatBytes } from "./format";

const phases: Readonly<Record<Loading["phase"], string>> = {
  waiting: "Another tab is downloading this model",
  header: "Reading the file's header",
  compile: "Preparing the GPU",
  weights: "Loading the weights",
  ready: "Checking that this GPU computes right",
};

export function LoadingView({ loading, onCancel }: { loading: Loading; onCancel: () => void }) {
  const { name, phase, bytesLoaded, bytesTotal, bytesPerSecond } = loading;
  return (
    <section class="loading" aria-label="Loading">
      <h2>{name}</h2>
      <progress
        aria-label={`Loading ${name}`}
        {...(bytesTotal > 0 ? { value: bytesLoaded / bytesTotal, max: 1 } : {})}
      />
      <p class="numbers">
        {phases[phase]}
        {bytesTotal > 0 && (
          <span>
            {formatBytes(bytesLoaded)} of {formatBytes(bytesTotal)}
            {bytesPerSecond > 0 && `, ${formatBytes(bytesPerSecond)}/s`}
          </span>
        )}
      </p>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </section>
  );
}
