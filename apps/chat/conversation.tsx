// The messages, and what can be done with the last answer.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Controller } from "./chat_controller";
import type { ChatState, LoadedModel } from "./chat_state";
import { MessageView } from "./message";

/** Pixels from the end within which the view follows the text. */
const FOLLOW = 80;

interface Props {
  readonly state: ChatState;
  readonly model: LoadedModel;
  readonly controller: Controller;
}

export function Conversation({ state, model, controller }: Props) {
  const { messages, generating } = state;
  const end = useRef<HTMLDivElement>(null);
  const follow = useRef(true);
  useLayoutEffect(() => {
    const scroller = document.scrollingElement!;
    const note = () => {
      follow.current = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < FOLLOW;
    };
    window.addEventListener("scroll", note, { passive: true });
    return () => window.removeEventListener("scroll", note);
  }, []);
  useLayoutEffect(() => {
    if (follow.current && messages.length > 0) end.current?.scrollIntoView({ block: "end" });
  }, [messages]);

  const canRegenerate = !generating && messages.some(({ role }) => role === "user");
  return (
    <section class="conversation" aria-label="Conversation">
      {messages.length === 0 && <Welcome model={model} />}
      {messages.map((message, i) => (
        <MessageView
          key={message.id}
          message={message}
          writing={generating && i === messages.length - 1 && message.role === "assistant"}
        />
      ))}
      {canRegenerate && (
        <p class="message-actions">
          <button type="button" onClick={() => void controller.regenerate()}>
            Regenerate
          </button>
        </p>
      )}
      <div ref={end} class="end" />
    </section>
  );
}

function Welcome({ model }: { model: LoadedModel }) {
  return (
    <p class="welcome">
      {model.mode === "conversation"
        ? `${model.name} is ready. It reads up to ${model.context.toLocaleString("en")} tokens of conversation.`
        : `${model.name} has no chat template: it was not made for conversations. Write the beginning of a text, and it goes on.`}
    </p>
  );
}
