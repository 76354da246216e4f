import { describe, expect, test } from "vitest";
import { chatTemplateFromMetadata, compileChatTemplate, hasChatTemplate } from "../../../src/text/chat_template";
import { spmMetadata } from "../../support/vocabularies";

const messages = [
  { role: "system", content: "Be terse." },
  { role: "user", content: "Hi" },
];

function render(source: string, inputs: object = {}): string {
  const options = { bosToken: "<s>", eosToken: "</s>", now: () => new Date(2026, 0, 5) };
  return compileChatTemplate(source, options).render({ messages, ...inputs });
}

describe("what a template sees", () => {
  const cases: readonly (readonly [why: string, template: string, inputs: object, text: string])[] = [
    [
      "messages",
      "{% for m in messages %}{{ m.role }}:{{ m['content'] }};{% endfor %}",
      {},
      "system:Be terse.;user:Hi;",
    ],
    ["special tokens", "{{ bos_token }}{{ eos_token }}", {}, "<s></s>"],
    ["the assistant's header by default", "{{ add_generation_prompt }}", {}, "true"],
    ["or not", "{{ add_generation_prompt }}", { addGenerationPrompt: false }, "false"],
    ["no tools are none", "{{ tools is none }} {{ documents is none }}", {}, "true true"],
    ["an empty list of tools is none too", "{{ tools is none }}", { tools: [] }, "true"],
    ["tools as JSON", "{{ tools | tojson }}", { tools: [{ type: "function" }] }, '[{"type": "function"}]'],
    ["further variables", "{{ enable_thinking }}", { variables: { enable_thinking: false } }, "false"],
    ["which do not replace the messages", "{{ messages | length }}", { variables: { messages: [] } }, "2"],
    ["the date, in English", "{{ strftime_now('%d %B %Y') }}", {}, "05 January 2026"],
    ["Python's constants", "{{ True }} {{ None is none }} {{ false }}", {}, "true true false"],
    ["lines of blocks alone leave nothing", "a\n  {% if true %}\nb\n  {% endif %}\nc", {}, "a\nb\nc"],
    [
      "ranges as in Python",
      "{{ range(3) | list }} {{ range(4, 0, -2) | list }} {{ range(0) | length }}",
      {},
      "[0, 1, 2] [4, 2] 0",
    ],
  ];
  test.each(cases)("%s", (_why, template, inputs, text) => expect(render(template, inputs)).toBe(text));
});

describe("where the package differs from Python", () => {
  const cases: readonly (readonly [why: string, template: string, text: string])[] = [
    [
      "strip takes characters",
      "{{ '\\n  x\\n'.lstrip('\\n') }}|{{ 'xxaxx'.strip('x') }}|{{ 'a🙂🙂'.rstrip('🙂') }}|",
      "  x\n|a|a|",
    ],
    ["strip without them takes blanks", "{{ '  x '.strip() }}|", "x|"],
    ["an undefined value is no text", "[{{ nothing | trim }}]", "[]"],
    ["None is an empty list to select from", "{{ tools | selectattr('a') | list | length }}", "0"],
    ["min and max", "{{ [3, 1, 2] | min }}{{ [3, 1, 2] | max }}{{ ['b', 'a'] | min }}", "13a"],
  ];
  test.each(cases)("%s", (_why, template, text) => expect(render(template)).toBe(text));
});

describe("long conversations are not taken for attacks", () => {
  test("a thousand messages, a megabyte of text, looked at again and again", () => {
    const long = Array.from({ length: 1000 }, (_, i) => ({
      role: i % 2 ? "assistant" : "user",
      content: "x".repeat(1000),
    }));
    const template =
      "{% set ns = namespace(last=0) %}{% for m in messages[::-1] %}{% if m.role == 'user' and not ns.last %}" +
      "{% set ns.last = messages | length - loop.index0 %}{% endif %}{% endfor %}{% for m in messages %}" +
      "{% if loop.first or messages[loop.index0 - 1].role != m.role %}[{{ m.role }}]{% endif %}" +
      "{{ m.content | trim }}{{ m.content.split('</think>')[-1].lstrip('\\n') | length }}{% endfor %}{{ ns.last }}";
    const text = compileChatTemplate(template).render({ messages: long });
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(text.endsWith("999")).toBe(true);
  });
});

describe("failures", () => {
  const cases: readonly (readonly [why: string, template: string, says: string])[] = [
    [
      "what the template refuses is quoted",
      "{{ raise_exception('No system role') }}",
      "refuses these messages: No system role",
    ],
    ["a template that does not parse", "{% if %}", "does not parse"],
    ["a block that is not closed", "{% for m in messages %}", "does not parse"],
    ["a fault in it", "{{ messages | nonsense }}", "nonsense"],
    ["a method that is not there", "{{ 'a'.frobnicate() }}", "template failed"],
  ];
  test.each(cases)("%s", (_why, template, says) => {
    expect(() => render(template)).toThrow(
      expect.objectContaining({ code: "template-failed", message: expect.stringContaining(says) }),
    );
  });

  test("messages that hold themselves", () => {
    const message: Record<string, unknown> = { role: "user" };
    message.content = message;
    expect(() => compileChatTemplate("{{ messages }}").render({ messages: [message] })).toThrow(
      expect.objectContaining({ code: "template-failed" }),
    );
  });
});

describe("a file's template", () => {
  const file = (keys: Readonly<Record<string, string>>) => spmMetadata([], keys);

  test("gets the file's special tokens", () => {
    const metadata = file({ "tokenizer.chat_template": "{{ bos_token }}|{{ eos_token }}" });
    expect(chatTemplateFromMetadata(metadata).render({ messages })).toBe("<s>|</s>");
    expect(hasChatTemplate(metadata)).toBe(true);
  });

  test("for tools where it carries another", () => {
    const metadata = file({ "tokenizer.chat_template": "plain", "tokenizer.chat_template.tool_use": "tools" });
    expect(chatTemplateFromMetadata(metadata).render({ messages })).toBe("plain");
    expect(chatTemplateFromMetadata(metadata, { tools: true }).render({ messages })).toBe("tools");
  });

  test.each([
    ["none", {}],
    ["an empty one", { "tokenizer.chat_template": " " }],
  ] as const)("%s", (_why, keys) => {
    expect(hasChatTemplate(file(keys))).toBe(false);
    expect(() => chatTemplateFromMetadata(file(keys))).toThrow(expect.objectContaining({ code: "no-chat-template" }));
  });
});
