// What went wrong, and what can be done about it.

import type { Problem } from "./problem";

export function ProblemNotice({ problem, onDismiss }: { problem: Problem; onDismiss: () => void }) {
  return (
    <section class="problem" role="alert" data-code={problem.code}>
      <h2>{problem.title}</h2>
      <p>{problem.advice}</p>
      <details>
        <summary>Details</summary>
        <p class="detail">
          <code>{problem.code}</code> {problem.detail}
        </p>
      </details>
      <button type="button" onClick={onDismiss}>
        Dismiss
      </button>
    </section>
  );
}
