// What became of the GPU while a model was open: it was taken away, and the conversation goes on by itself.

import type { DeviceChange } from "./chat_state";

export function DeviceNotice({ device, onDismiss }: { device: DeviceChange; onDismiss: () => void }) {
  return (
    <section class="device" role="status" data-state={device.state}>
      <p>{text(device)}</p>
      <details>
        <summary>Details</summary>
        <p>{device.reason}</p>
      </details>
      {device.state !== "lost" && (
        <button type="button" onClick={onDismiss}>
          Dismiss
        </button>
      )}
    </section>
  );
}

function text({ state }: DeviceChange): string {
  switch (state) {
    case "lost":
      return "The GPU was taken away. The model is being loaded again; the conversation goes on by itself.";
    case "on-gpu":
      return "The GPU was taken away for a moment. The conversation went on.";
    case "on-processor":
      return "The GPU was taken away and cannot be had again: the model runs on the processor now, slowly.";
  }
}
