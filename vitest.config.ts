import { defineConfig } from "vitest/config";
import { adapterEnvironment } from "./test/support/adapters";

const gpuTests = ["test/kernels/**/*.test.ts", "test/parity/**/*.test.ts"];

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        test: {
          name: "lavapipe",
          include: gpuTests,
          pool: "forks",
          env: { ...adapterEnvironment.lavapipe, FENNEC_TEST_ADAPTER: "lavapipe" },
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "swiftshader",
          include: gpuTests,
          pool: "forks",
          env: { ...adapterEnvironment.swiftshader, FENNEC_TEST_ADAPTER: "swiftshader" },
          testTimeout: 600_000,
        },
      },
    ],
  },
});
