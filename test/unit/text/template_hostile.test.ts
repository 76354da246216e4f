import { describe, expect, test } from "vitest";
import { compileChatTemplate } from "../../../src/text/chat_template";

/** Templates that would hang or fill memory; each must fail with `template-failed`, soon. */
const hostile: readonly (readonly [why: string, template: string])[] = [
  ["a range that is a billion long", "{% for i in range(1000000000) %}x{% endfor %}"],
  ["ranges in ranges", "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"],
  [
    "an empty loop over a shared list",
    "{% set r = range(99999) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}",
  ],
  [
    "a text doubled forty times",
    "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
  ],
  [
    "a list doubled forty times",
    "{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s|length }}",
  ],
  [
    "a list that holds itself twice, forty deep, written out",
    "{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
  ],
  [
    "the same through tojson",
    "{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
  ],
  [
    "the same through concatenation",
    "{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s ~ '' }}",
  ],
  ["a namespace that holds itself", "{% set ns = namespace() %}{% set ns.s = ns %}{{ ns }}"],
  ["a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"],
  [
    "a macro that calls itself twice",
    "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
  ],
  [
    "output that grows line by line",
    "{% set s = 'x' * 1 if false else 'yyyyyyyyyyyyyyyy' %}{% for i in range(99999) %}{% for j in range(999) %}{{ s }}{% endfor %}{% endfor %}",
  ],
  ["indentation by a billion", "{{ 'a\\nb'|indent(1000000000) }}"],
  ["indentation by keyword", "{{ 'a\\nb'|indent(width=1000000000) }}"],
  ["indentation as a block", "{% filter indent(1000000000) %}a\nb{% endfilter %}"],
  ["JSON indented by a billion", "{{ [1, [2]]|tojson(indent=1000000000) }}"],
  [
    "a separator as long as the list",
    "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(14) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ range(99999)|join(ns.s) }}",
  ],
  [
    "replacement as a filter, text times text",
    "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(17) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s|replace('x', ns.s) }}",
  ],
  [
    "replacement as a method, text times text",
    "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(17) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s.replace('', ns.s) }}",
  ],
  [
    "the method looked up once and used later",
    "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(17) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{% set r = ns.s.replace %}{{ r('x', ns.s) }}",
  ],
  ["arguments that are unpacked", "{% set a = ['x', 'y'] %}{{ 'xxx'|replace(*a) }}"],
  [
    "sorting a list of long texts",
    "{% set ns = namespace(s='xxxxxxxxxxxxxxxx', l=[]) %}{% for i in range(17) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{% set l = [ns.s, ns.s, ns.s] %}{% for i in range(99) %}{% set l = l + l %}{{ l|sort|length }}{% endfor %}",
  ],
  [
    "variables that are not there, a million times",
    "{% for i in range(99999) %}{% for j in range(10) %}{{ nothing }}{% endfor %}{% endfor %}",
  ],
  ["brackets in brackets", `{{ ${"[".repeat(20_000)}${"]".repeat(20_000)} }}`],
  ["blanks that the lexer looks at again and again", `${" ".repeat(200_000)}x`],
  ["a template of a megabyte", "x".repeat(1 << 20)],
];

describe("hostile templates end with one error", () => {
  test.each(hostile)("%s", (_why, template) => {
    const render = (): string => compileChatTemplate(template).render({ messages: [] });
    expect(render).toThrow(expect.objectContaining({ name: "FennecError", code: "template-failed" }));
  });
});
