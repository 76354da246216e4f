// Closing lines of a test run: what each project did, then `N passed, N failed`. A project that was asked for in
// FENNEC_TEST_PROJECTS and ran nothing fails the run: a browser that did not start must not look like success.

import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

interface Count {
  passed: number;
  failed: number;
  /** Tests that ended themselves with a reason, such as a feature that the adapter lacks. */
  notApplicable: number;
}

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    const projects = new Map<string, Count>();
    for (const name of (process.env.FENNEC_TEST_PROJECTS ?? "").split(",").filter(Boolean)) projects.set(name, none());
    const reasons = new Map<string, number>();

    for (const module of modules) {
      const name = module.project.name.replace(" (chromium)", ""); // vitest adds the browser's name
      const count = projects.get(name) ?? none();
      projects.set(name, count);
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") count.passed++;
        else if (result.state === "skipped") {
          count.notApplicable++;
          const note = `${name}: ${result.note ?? "skipped without a reason"}`;
          reasons.set(note, (reasons.get(note) ?? 0) + 1);
        } else failedHere++;
      }
      // A module that failed to load or in a hook has no failing test to show for it.
      count.failed += module.state() === "failed" ? Math.max(1, failedHere) : failedHere;
    }

    const total = none();
    console.log("");
    for (const [name, count] of projects) {
      const ranNothing = count.passed + count.failed === 0;
      if (ranNothing) count.failed = 1;
      total.passed += count.passed;
      total.failed += count.failed;
      const extra = count.notApplicable ? `, ${count.notApplicable} not applicable` : "";
      console.log(
        `  ${name}: ${count.passed} passed, ${count.failed} failed${extra}${ranNothing ? " (nothing ran)" : ""}`,
      );
    }
    for (const [note, times] of reasons) console.log(`  not applicable, ${note} (${times})`);
    if (unhandled.length > 0) console.log(`  ${unhandled.length} errors outside of tests`);
    total.failed += unhandled.length;
    if (reason === "interrupted") total.failed++;
    if (total.failed > 0) process.exitCode = 1;
    console.log(`${total.passed} passed, ${total.failed} failed`);
  }
}

function none(): Count {
  return { passed: 0, failed: 0, notApplicable: 0 };
}
