// Our shapes against those of the `openai` package: what its types say of requests must be accepted by ours as far as we
// support it, and what we answer must be what it promises. The check is `tsc`; at run time there is only a formality.

import type OpenAI from "openai";
import { expect, test } from "vitest";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatMessageParam,
  ChatParams,
  Completion,
  CompletionChunk,
  CompletionParams,
  OpenAiSurface,
} from "../../../src/api/types";

type Assignable<From, To> = [From] extends [To] ? true : false;

/** Does not compile with a type that is false. */
function holds<_T extends true>(): true {
  return true;
}

test("replies are what the openai package promises", () => {
  expect(holds<Assignable<ChatCompletion, OpenAI.ChatCompletion>>()).toBe(true);
  expect(holds<Assignable<ChatCompletionChunk, OpenAI.ChatCompletionChunk>>()).toBe(true);
  expect(holds<Assignable<Completion, OpenAI.Completion>>()).toBe(true);
});

test("a streamed text completion is OpenAI's but for the finish reason, which theirs declares never null", () => {
  type Choice = CompletionChunk["choices"][number];
  type Ended = Omit<CompletionChunk, "choices" | "usage"> & {
    choices: (Choice & { finish_reason: NonNullable<Choice["finish_reason"]> })[];
  };
  expect(holds<Assignable<Ended, OpenAI.Completion>>()).toBe(true);
});

test("requests written for the openai package are accepted by ours", () => {
  // What both have: the fields that we support, with OpenAI's types.
  type Shared<Theirs, Ours> = Pick<Theirs, Extract<keyof Theirs, keyof Ours>>;
  type TheirChat = Omit<Shared<OpenAI.ChatCompletionCreateParams, ChatParams>, "messages" | "stream_options">;
  type TheirText = Omit<Shared<OpenAI.CompletionCreateParams, CompletionParams>, "prompt" | "stream_options">;
  expect(holds<Assignable<TheirChat, Omit<ChatParams, "messages" | "stream_options">>>()).toBe(true);
  expect(holds<Assignable<TheirText, Omit<CompletionParams, "prompt" | "stream_options">>>()).toBe(true);
  type Prompt = NonNullable<OpenAI.CompletionCreateParams["prompt"]>;
  expect(holds<Assignable<Prompt, CompletionParams["prompt"]>>()).toBe(true);
});

test("our messages are OpenAI's messages", () => {
  type Text = Extract<ChatMessageParam, { content: string | readonly unknown[] }> & { content: string };
  expect(holds<Assignable<Text & { role: "user" }, OpenAI.ChatCompletionMessageParam>>()).toBe(true);
  expect(holds<Assignable<Text & { role: "system" }, OpenAI.ChatCompletionMessageParam>>()).toBe(true);
  expect(holds<Assignable<Text & { role: "developer" }, OpenAI.ChatCompletionMessageParam>>()).toBe(true);
  expect(holds<Assignable<Text & { role: "assistant" }, OpenAI.ChatCompletionMessageParam>>()).toBe(true);
});

test("what an application asks of a client, both the openai client and an engine give", () => {
  type Request = { model: string; messages: { role: "user" | "system"; content: string }[]; temperature?: number };
  interface Client {
    readonly chat: {
      readonly completions: {
        create(
          request: Request & { stream?: false },
        ): PromiseLike<{ choices: { message: { content: string | null } }[] }>;
      };
    };
  }
  interface StreamingClient {
    readonly chat: {
      readonly completions: {
        create(
          request: Request & { stream: true },
        ): PromiseLike<AsyncIterable<{ choices: { delta: { content?: string | null } }[] }>>;
      };
    };
  }
  expect(holds<Assignable<OpenAI, Client>>()).toBe(true);
  expect(holds<Assignable<OpenAI, StreamingClient>>()).toBe(true);
  expect(holds<Assignable<OpenAiSurface, Client>>()).toBe(true);
  expect(holds<Assignable<OpenAiSurface, StreamingClient>>()).toBe(true);
});
