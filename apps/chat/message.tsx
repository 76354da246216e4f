// One message of the conversation.

import { memo } from "preact/compat";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Message, ReplyStats } from "./chat_state";
import { formatDuration, formatRate } from "./format";
import { type Block, GrowingMarkdown, renderBlock } from "./markdown";

export function MessageView({ message, writing }: { message: Message; writing: boolean }) {
  const { role, text, stats, stopped } = message;
  return (
    <article class={`message ${role}`} aria-busy={writing} aria-label={role === "user" ? "You" : "Model"}>
      {role === "user" ? <p class="written">{text}</p> : <Reply text={text} />}
      {writing && <span class="cursor" aria-hidden="true" />}
      {(stats || stopped) && !writing && (
        <p class="stats">
          {stopped && <span>Stopped</span>}
          {stats && <Stats stats={stats} />}
        </p>
      )}
    </article>
  );
}

function Stats({ stats }: { stats: ReplyStats }) {
  return (
    <>
      <span>{stats.tokens} tokens</span>
      {stats.tokensPerSecond > 0 && <span>{formatRate(stats.tokensPerSecond)} tokens/s</span>}
      <span>first token after {formatDuration(stats.timeToFirstTokenMs)}</span>
      {stats.throttled && <span title="Browsers slow hidden pages down">the page was hidden meanwhile</span>}
    </>
  );
}

function Reply({ text }: { text: string }) {
  const markdown = useMemo(() => new GrowingMarkdown(), []);
  return (
    <div class="reply">
      {markdown.blocks(text).map((block) => (
        <BlockView key={block.start} block={block} />
      ))}
    </div>
  );
}

/** Rendered again only when the block is another object. */
const BlockView = memo(function BlockView({ block }: { block: Block }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => element.current?.replaceChildren(renderBlock(block)), [block]);
  return <div class="block" ref={element} />;
});
