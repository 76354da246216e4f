// Where people write. Enter sends, Shift+Enter is a new line.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LoadedModel } from "./chat_state";

interface Props {
  readonly mode: LoadedModel["mode"];
  readonly generating: boolean;
  readonly onSend: (text: string) => Promise<void>;
  readonly onStop: () => void;
}

export function Composer({ mode, generating, onSend, onStop }: Props) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const label = mode === "conversation" ? "Message" : "Beginning of a text";
  const send = () => {
    if (generating || text.trim() === "") return;
    setText("");
    void onSend(text);
  };
  useLayoutEffect(() => field.current?.focus(), []);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        aria-label={label}
        placeholder={label}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {generating ? (
        <button type="button" class="primary" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" class="primary" disabled={text.trim() === ""}>
          Send
        </button>
      )}
    </form>
  );
}
