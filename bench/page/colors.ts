// One colour for each engine, in every plot and table.

const COLORS: Readonly<Record<string, string>> = {
  "fennec-webgpu": "#d9641e",
  "fennec-onnx": "#eaa05f",
  "wllama-webgpu": "#2f7fd1",
  "wllama-cpu": "#82b6e8",
  "transformers-webgpu": "#8a5cc9",
  "transformers-wasm": "#bfa3e6",
  webllm: "#2c9c77",
};

export function colorOf(id: string): string {
  return COLORS[id] ?? "#888888";
}
