// The test projects. `npm test` runs those that need nothing beside the repository, `npm run test:fixtures` the
// fixture ones (tools/test.mjs has the lists). One alone: `npx vitest run --project <name> [file]`.
//
// Software adapters are slow, so the work is divided: lavapipe runs everything, SwiftShader and Chromium the kernel
// cases and one whole model, wgpu (in Deno) the first case of each kernel and a reply.

import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { adapterEnvironment, hasMatrixAdapter, hasSoftwareAdapters } from "./test/support/adapters.ts";
import { chromiumPath, webgpuFlags } from "./test/support/browser.ts";
import { fixtureRoutes } from "./test/support/file_routes.ts";

const kernels = "test/kernels/**/*.test.ts";
const parity = "test/parity/**/*.test.ts";
const matrix = "test/matrix/**/*.test.ts";
const fixtureParity = "test/fixtures_tests/parity/**/*.test.ts";
const fixtureBrowser = "test/fixtures_tests/browser/**/*.test.ts";

/** Several whole models on a slow adapter; lavapipe runs them. */
const heavy = ["test/parity/**/*.heavy.test.ts", "test/fixtures_tests/parity/**/*.heavy.test.ts"];

const minutes = 60_000;

function plainNode(
  name: string,
  include: string[],
  exclude: string[] = [],
  testTimeout = 2 * minutes,
): TestProjectConfiguration {
  return { test: { name, include, exclude, testTimeout, hookTimeout: testTimeout } };
}

/** GPU tests on Dawn in Node. In forks: an adapter that aborts takes its process along, not the run. */
function dawn(adapter: string, name: string, include: string[], exclude: string[] = []): TestProjectConfiguration {
  const environment =
    adapter in adapterEnvironment ? adapterEnvironment[adapter as keyof typeof adapterEnvironment] : {};
  return {
    test: {
      name,
      include,
      exclude,
      pool: "forks",
      env: { ...environment, FENNEC_TEST_ADAPTER: adapter },
      testTimeout: 10 * minutes,
      hookTimeout: 10 * minutes,
    },
  };
}

/** The same GPU tests in headless Chromium. Fixture files come over HTTP: see test/support/file_routes.ts. */
function chromium(name: string, include: string[], exclude: string[] = []): TestProjectConfiguration {
  return {
    plugins: [fixtureRoutes()],
    // Bundled again, the wasm runtime would not find its file.
    optimizeDeps: { exclude: ["onnxruntime-web"] },
    test: {
      name,
      include,
      exclude,
      env: { FENNEC_TEST_ADAPTER: "chromium" },
      testTimeout: 10 * minutes,
      hookTimeout: 10 * minutes,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: chromiumPath(), args: [...webgpuFlags] } }),
        instances: [{ browser: "chromium" }],
      },
    },
  };
}

/** Drives the built page; alone and last, as it measures how smooth the page is. */
const page: TestProjectConfiguration = {
  test: {
    name: "page",
    include: ["test/page/**/*.test.ts"],
    testTimeout: 3 * minutes,
    hookTimeout: 3 * minutes,
    fileParallelism: false,
    sequence: { groupOrder: 1 },
    expect: { poll: { timeout: minutes } },
  },
};

const onSoftware = [
  dawn("lavapipe", "lavapipe", [kernels, parity]),
  dawn("swiftshader", "swiftshader", [kernels, parity], heavy),
  dawn("lavapipe", "fixtures-lavapipe", [fixtureParity]),
  dawn("swiftshader", "fixtures-swiftshader", [fixtureParity], heavy),
];
const onOwnAdapter = [dawn("native", "native", [kernels, parity]), dawn("native", "fixtures-native", [fixtureParity])];

export default defineConfig({
  test: {
    maxWorkers: 2,
    browser: { connectTimeout: 3 * minutes }, // on a busy machine
    reporters: ["default", "./test/support/summary_reporter.ts"],
    // Where a driver with subgroup matrices is named, these tests alone: that system need not have what others need.
    projects: hasMatrixAdapter
      ? [dawn("matrix", "matrix", [matrix, kernels])]
      : [
          plainNode("unit", ["test/unit/**/*.test.ts"]),
          plainNode("fixtures", ["test/fixtures_tests/**/*.test.ts"], [fixtureParity, fixtureBrowser]),
          plainNode("package", ["test/package/**/*.test.ts"]),
          plainNode("wgpu", ["test/wgpu/**/*.test.ts"], [], 10 * minutes),
          page,
          ...(hasSoftwareAdapters ? onSoftware : onOwnAdapter),
          chromium("chromium", [kernels, parity, "test/browser/**/*.test.ts"], heavy),
          chromium("fixtures-chromium", [fixtureParity, fixtureBrowser], heavy),
        ],
  },
});
