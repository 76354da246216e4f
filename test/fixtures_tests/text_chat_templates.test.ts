// The chat templates of current model families, rendered as Python's jinja2 with Transformers' settings renders them.

import { describe, expect, test } from "vitest";
import { compileChatTemplate } from "../../src/text/chat_template";
import { readFixtureText } from "../support/files";

const templates = [
  "HuggingFaceTB-SmolLM3-3B",
  "LFM2-8B-A1B",
  "LFM2.5-8B-A1B",
  "LFM2.5-Instruct",
  "Mistral-Small-3.2-24B-Instruct-2506",
  "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
  "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
  "Qwen-QwQ-32B",
  "Qwen-Qwen2.5-7B-Instruct",
  "Qwen-Qwen3-0.6B",
  "Qwen3-Coder",
  "Qwen3.5-4B",
  "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
  "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
  "deepseek-ai-DeepSeek-V3.1",
  "google-gemma-2-2b-it",
  "google-gemma-4-31B-it-interleaved",
  "google-gemma-4-31B-it",
  "ibm-granite-granite-3.3-2B-Instruct",
  "ibm-granite-granite-4.0",
  "ibm-granite-granite-4.1",
  "meetkai-functionary-medium-v3.1",
  "meta-llama-Llama-3.1-8B-Instruct",
  "meta-llama-Llama-3.2-3B-Instruct",
  "microsoft-Phi-3.5-mini-instruct",
  "mistralai-Ministral-3-14B-Reasoning-2512",
  "mistralai-Mistral-Nemo-Instruct-2407",
  "openai-gpt-oss-120b",
  "openbmb-MiniCPM5-1B",
];

interface Golden {
  readonly case: string;
  readonly messages: readonly object[];
  readonly tools: readonly object[] | null;
  readonly add_generation_prompt: boolean;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly expected?: string;
  readonly error?: string;
}

/** Cases that differ and why. They must go on differing: when one agrees, its line goes. */
const divergences: ReadonlyMap<string, string> = new Map(
  ["tools", "tool_roundtrip", "tool_roundtrip_strargs"].map((name) => [
    `meetkai-functionary-medium-v3.1 ${name}`,
    "jinja2 HTML-escapes a text added to `x|safe`, which no author of this template can have wanted",
  ]),
);

describe.each(templates)("%s", async (name) => {
  const lines = (await readFixtureText(`goldens/chat/${name}.jinja.jsonl`, "external")).trim().split("\n");
  const [head, ...goldens] = lines.map((line) => JSON.parse(line));
  const source = await readFixtureText(`third-party/templates/${name}.jinja`, "external");
  const template = compileChatTemplate(source, {
    bosToken: head.bos_token,
    eosToken: head.eos_token,
    now: () => new Date(2026, 0, 15, 12),
  });
  const render = (golden: Golden): string =>
    template.render({
      messages: golden.messages,
      tools: golden.tools ?? undefined,
      addGenerationPrompt: golden.add_generation_prompt,
      variables: golden.extra,
    });

  test("has goldens", () => expect(goldens.length).toBeGreaterThanOrEqual(10));

  test.each(goldens as readonly Golden[])("$case $extra", (golden) => {
    if (golden.error !== undefined) {
      expect(() => render(golden)).toThrow(expect.objectContaining({ code: "template-failed" }));
    } else if (divergences.has(`${name} ${golden.case}`)) {
      expect(render(golden)).not.toBe(golden.expected);
    } else {
      expect(render(golden)).toBe(golden.expected);
    }
  });
});
