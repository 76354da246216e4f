// A chat whose GPU is taken away in mid-answer, in Chromium, as a person meets it: the page says so, and the answer goes on.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page, type Worker } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromiumPath, webgpuFlags } from "../support/browser";
import { buildIfStale, repository } from "../support/packed";
import { type RunningServer, startPageServer } from "../support/page_server";

const TOKENS = 120;

const folder = mkdtempSync(join(tmpdir(), "fennec-lost-"));
const screenshots = join(repository, "test/output");
let server: RunningServer;
let browser: BrowserContext;
let page: Page;
/** Workers of the page, each with a list of the devices that it opened. */
const workers: Worker[] = [];

/** What a test adds to a worker's global scope. */
interface Watched {
  devices: GPUDevice[];
  removed: boolean;
}

function watchDevices(): void {
  const watched: Watched = { devices: [], removed: false };
  Object.assign(globalThis, { watched });
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    watched.devices.push(device);
    return device;
  };
  const { requestAdapter } = GPU.prototype;
  GPU.prototype.requestAdapter = async function (options) {
    return watched.removed ? null : requestAdapter.call(this, options);
  };
}

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  buildIfStale();
  // A copy: whoever builds meanwhile does not pull the page away from under this test.
  cpSync(join(repository, "dist/chat"), join(folder, "page"), { recursive: true });
  server = await startPageServer("--folder", join(folder, "page"));
  browser = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: chromiumPath(),
    args: [...webgpuFlags],
    headless: true,
  });
  browser.setDefaultTimeout(2 * 60_000);
  page = browser.pages()[0] ?? (await browser.newPage());
  page.on("worker", (worker) => {
    workers.push(worker);
    worker.evaluate(watchDevices).catch(() => undefined); // the worker that only asks for the device is gone soon
  });
  await page.goto(server.url);
  await button("Use the built-in model").click();
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await button("Settings").click();
  await page.getByLabel("Temperature").fill("0");
  await page.getByLabel("Longest answer").fill(String(TOKENS));
  await button("Done").click();
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const button = (name: string) => page.getByRole("button", { name, exact: true });
const answer = () => page.getByRole("article", { name: "Model" }).last();
const text = async () => ((await answer().locator(".reply").textContent()) ?? "").trim();
const notice = () => page.locator(".device");

async function ask(question: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(question);
  await page.getByRole("textbox", { name: "Message" }).press("Enter");
}

/** @returns The whole answer and its line of numbers. */
async function finished() {
  await button("Regenerate").waitFor();
  return { text: await text(), stats: (await answer().locator(".stats").textContent()) ?? "" };
}

/** Waits for a part of the answer, then takes the GPU away. @returns That part. */
async function loseGpu(forGood: boolean): Promise<string> {
  await expect.poll(async () => (await text()).length).toBeGreaterThan(20);
  const before = await text();
  await workers.at(-1)!.evaluate((removed) => {
    const { watched } = globalThis as unknown as { watched: Watched };
    watched.removed = removed;
    watched.devices.at(-1)!.destroy();
  }, forGood);
  return before;
}

test("the answer goes on when the GPU comes back, and is the one that was not interrupted", async () => {
  await ask("Tell me a story.");
  const whole = await finished();
  await button("New").click();
  await ask("Tell me a story.");
  const before = await loseGpu(false);
  const again = await finished();
  expect(again.text.slice(0, before.length)).toBe(before);
  expect(again.text).toBe(whole.text);
  expect(again.stats).toContain(whole.stats.match(/^\d+ tokens/)![0]);
  expect(await notice().getAttribute("data-state")).toBe("on-gpu");
  expect(await page.getByRole("alert").count(), "nothing is called an error").toBe(0);
  await page.screenshot({ path: join(screenshots, "chat-gpu-back.png") });
  await button("Dismiss").click();
  expect(await notice().count()).toBe(0);
});

test("a page that was hidden meanwhile gets its answer, and says so beside the numbers", async () => {
  await button("New").click();
  await ask("Tell me another.");
  const turn = (state: string) =>
    page.evaluate((visibilityState) => {
      Object.defineProperty(document, "visibilityState", { value: visibilityState, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await turn("hidden");
  await turn("visible");
  const { stats } = await finished();
  expect(stats).toContain("hidden");
});

test("on the processor, when the GPU does not come back, and the page says so", async () => {
  await button("New").click();
  await ask("Tell me a story.");
  const before = await loseGpu(true);
  await notice().waitFor();
  await page.screenshot({ path: join(screenshots, "chat-gpu-lost.png") });
  const { text: whole, stats } = await finished();
  expect(whole.slice(0, before.length)).toBe(before);
  expect(stats).toMatch(/\d+ tokens/);
  expect(await notice().getAttribute("data-state")).toBe("on-processor");
  expect(await notice().textContent()).toContain("runs on the processor");
  expect(await page.locator(".model-label").textContent()).toContain("ONNX Runtime");
  await page.screenshot({ path: join(screenshots, "chat-gpu-gone.png") });
  await ask("And then?");
  expect((await finished()).text).not.toBe("");
});
