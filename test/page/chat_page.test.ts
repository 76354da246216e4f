// The chat page as a person meets it: opened from `npm start`'s server in Chromium, with one browser profile over all
// visits. Models are made here, with random weights: their words mean nothing, and are long and repeatable.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, noWebgpuFlags, webgpuFlags } from "../support/browser";
import { writeGgufFile } from "../support/gguf_file";
import { type GgufFile, gguf } from "../support/gguf_writer";
import { buildIfStale, repository } from "../support/packed";
import { type RunningServer, serveFolder, startPageServer } from "../support/page_server";
import { randomModel } from "../support/random_model";

const TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>";
const WIDTH = 128;
/** Slow enough to see the progress of the download, which is about 2 MB. */
const DOWNLOAD_BYTES_PER_SECOND = 1_500_000;

const folder = mkdtempSync(join(tmpdir(), "fennec-page-"));
const profile = join(folder, "profile");
const screenshots = join(repository, "test/output");

let server: RunningServer;
let models: RunningServer;
let browser: BrowserContext;
let page: Page;
/** Errors of the page itself; there must be none. */
const pageErrors: string[] = [];

async function openBrowser(flags = webgpuFlags, userData = profile): Promise<BrowserContext> {
  return chromium.launchPersistentContext(userData, {
    executablePath: chromiumPath(),
    args: [...flags],
    headless: true,
    viewport: { width: 1280, height: 800 },
  });
}

async function openPage(context: BrowserContext): Promise<Page> {
  context.setDefaultTimeout(2 * 60_000);
  const opened = context.pages()[0] ?? (await context.newPage());
  opened.on("pageerror", (error) => pageErrors.push(String(error)));
  opened.on("console", (message) => {
    if (message.type() === "error") pageErrors.push(message.text());
  });
  await opened.addInitScript(() => {
    Object.assign(globalThis, { longTasks: [], frames: [] });
    const { longTasks, frames } = globalThis as unknown as Measured;
    new PerformanceObserver((list) => {
      for (const { duration, startTime } of list.getEntries()) longTasks.push({ duration, startTime });
    }).observe({ type: "longtask", buffered: true });
    const note = (at: number) => {
      frames.push(at);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await opened.goto(server.url);
  return opened;
}

interface Measured {
  readonly longTasks: { duration: number; startTime: number }[];
  readonly frames: number[];
}

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  await writeGgufFile(join(folder, "chatty.gguf"), chattyModel());
  await writeGgufFile(join(folder, "from-address.gguf"), chattyModel());
  await writeGgufFile(join(folder, "plain.gguf"), randomModel({ tokenizer: "spm", context: 256 }));
  const whole = readFileSync(join(folder, "plain.gguf"));
  writeFileSync(join(folder, "cut-off.gguf"), whole.subarray(0, Math.floor(whole.length / 2)));
  writeFileSync(join(folder, "not-a-model.gguf"), "<!doctype html><title>404</title>");
  buildIfStale();
  // A copy: whoever builds meanwhile does not pull the page away from under this test.
  cpSync(join(repository, "dist/chat"), join(folder, "page"), { recursive: true });
  server = await startPageServer("--folder", join(folder, "page"));
  models = await serveFolder(folder, DOWNLOAD_BYTES_PER_SECOND);
  browser = await openBrowser();
  page = await openPage(browser);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await models?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A model with a template that never ends a reply by itself: the logits of its special tokens are 0, far from the top. */
function chattyModel(): GgufFile {
  const model = randomModel({ tokenizer: "spm", context: 2048, hidden: 1024, dim: WIDTH, seed: 7 });
  const template = { "tokenizer.chat_template": gguf.string(TEMPLATE) };
  const tensors = model.tensors.map((tensor) =>
    tensor.name === "output.weight" ? { ...tensor, data: () => [withoutSpecials(tensor.data())] } : tensor,
  );
  return { ...model, metadata: { ...model.metadata, ...template }, tensors };
}

/** Zeros for rows 0 to 2 (unknown, beginning, end) of `[vocab, WIDTH]` f32. */
function withoutSpecials(pieces: Iterable<Uint8Array<ArrayBuffer>>): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array(Buffer.concat([...pieces]));
  return rows.fill(0, 0, 3 * WIDTH * 4);
}

const field = (): Locator => page.getByRole("textbox", { name: "Message" });
const button = (name: string): Locator => page.getByRole("button", { name, exact: true });
const answers = (): Locator => page.getByRole("article", { name: "Model" });

async function chooseFile(name: string): Promise<void> {
  await page.locator("input[type=file]").setInputFiles(join(folder, name));
}

async function settings(values: Readonly<Record<string, string>>): Promise<void> {
  await button("Settings").click();
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
  await button("Done").click();
}

async function send(text: string): Promise<void> {
  await field().fill(text);
  await field().press("Enter");
}

/** Waits until the model has stopped writing. @returns The last answer's text. */
async function lastAnswer(): Promise<string> {
  await button("Regenerate").waitFor();
  return (await answers().last().locator(".reply").textContent()) ?? "";
}

async function shoot(name: string): Promise<void> {
  await page.screenshot({ path: join(screenshots, `chat-${name}.png`) });
}

async function shootNarrow(name: string): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 });
  await shoot(`${name}-narrow`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow, "nothing sticks out sideways on a phone").toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 800 });
}

describe("first visit", () => {
  test("npm start builds, serves the page and prints its address", async () => {
    const started = await startPageServer();
    const response = await fetch(started.url);
    await started.stop();
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("<title>Fennec</title>");
  });

  test("the page opens and asks for a model", async () => {
    await page.getByRole("heading", { name: "A file" }).waitFor();
    await shoot("choose");
    await shootNarrow("choose");
    await page.emulateMedia({ colorScheme: "dark" });
    await shoot("choose-dark");
    await page.emulateMedia({ colorScheme: "light" });
  });

  test("the built-in model answers at once, in words", async () => {
    await button("Use the built-in model").click();
    await field().waitFor();
    await settings({ Temperature: "0", "Longest answer": "40" });
    await send("Tell me a story.");
    expect(await lastAnswer()).toMatch(/[a-z]+ [a-z]+ [a-z]+/);
    await shoot("builtin");
    await button("New").click();
    await button("Models").click();
    await button("Settings").click();
    await button("Reset").click();
    await button("Done").click();
  });

  test("a file opens, and the adapter is shown", async () => {
    await chooseFile("chatty.gguf");
    await field().waitFor();
    expect(await page.locator(".model-label").textContent()).toMatch(/chatty.*swiftshader|adapter/i);
  });

  test("a message is answered, with its speed", async () => {
    await settings({ "System prompt": "You are a test.", "Top-k": "40", "Longest answer": "24", Seed: "5" });
    await send("Hello there");
    expect(await lastAnswer()).not.toBe("");
    const stats = await answers().last().locator(".stats").textContent();
    expect(stats).toMatch(/24 tokens/);
    expect(stats).toMatch(/tokens\/s/);
    expect(stats).toMatch(/first token after/);
  });

  test("the same seed regenerates the same answer, another seed another", async () => {
    const first = await lastAnswer();
    await button("Regenerate").click();
    expect(await lastAnswer()).toBe(first);
    await settings({ Seed: "6" });
    await button("Regenerate").click();
    expect(await lastAnswer()).not.toBe(first);
    expect(await answers().count()).toBe(1);
  });

  test("a long answer streams, leaves the page smooth, and stops when asked", async () => {
    await settings({ "Longest answer": "1500" });
    const start = await page.evaluate(() => performance.now());
    await send("Go on and on");
    await expect.poll(async () => (await answers().last().textContent())?.length ?? 0).toBeGreaterThan(50);
    const early = (await answers().last().locator(".reply").textContent()) ?? "";
    await page.waitForTimeout(3000);
    const later = (await answers().last().locator(".reply").textContent()) ?? "";
    expect(later.length).toBeGreaterThan(early.length);
    expect(later.startsWith(early.slice(0, 20))).toBe(true);
    await shoot("writing");

    const measured = await page.evaluate((since) => {
      const { longTasks, frames } = globalThis as unknown as Measured;
      const shown = frames.filter((at) => at > since);
      const intervals = shown.slice(1).map((at, i) => at - shown[i]!);
      intervals.sort((a, b) => a - b);
      return {
        longestTaskMs: Math.max(0, ...longTasks.filter((t) => t.startTime > since).map((t) => t.duration)),
        frames: intervals.length,
        p95FrameMs: intervals[Math.floor(intervals.length * 0.95)] ?? Number.NaN,
      };
    }, start);
    console.log(
      `while generating: longest main-thread task ${measured.longestTaskMs.toFixed(0)} ms (0: none over 50 ms), ` +
        `p95 frame interval ${measured.p95FrameMs.toFixed(1)} ms over ${measured.frames} frames`,
    );
    expect(measured.frames).toBeGreaterThan(10);

    await button("Stop").click();
    await lastAnswer();
    expect(await answers().last().locator(".stats").textContent()).toContain("Stopped");
  });

  test("it can be used at a phone's width, and in the dark", async () => {
    await shoot("conversation");
    await shootNarrow("conversation");
    await page.emulateMedia({ colorScheme: "dark" });
    await shoot("conversation-dark");
    await button("Settings").click();
    await shootNarrow("settings");
    await button("Done").click();
    await page.emulateMedia({ colorScheme: "light" });
  });
});

describe("coming back", () => {
  test("after a reload the conversation is there and the model opens by itself", async () => {
    const before = await answers().allTextContents();
    await page.reload();
    await field().waitFor();
    expect((await answers().allTextContents()).length).toBe(before.length);
    await settings({ "Longest answer": "8" });
    await send("Still there?");
    expect(await lastAnswer()).not.toBe("");
  });

  test("an address is downloaded with bytes and speed shown, and kept", async () => {
    await button("Models").click();
    await page.getByLabel("An address").fill(`${models.url}from-address.gguf`);
    await button("Open").click();
    const numbers = page.locator(".numbers");
    await expect.poll(() => numbers.textContent(), { timeout: 20_000, interval: 50 }).toMatch(/[1-9].* of .*MB.*\/s/);
    await shoot("loading");
    await field().waitFor();
    await button("Models").click();
    const kept = page.getByRole("listitem");
    await expect.poll(() => kept.count()).toBe(2);
    await shoot("kept");
    await kept.filter({ hasText: "from-address" }).getByRole("button").first().click();
    await field().waitFor();
  });

  test("with the server stopped and the browser restarted it opens, loads the kept model and chats", async () => {
    const { port } = new URL(server.url);
    const ready = page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    expect(await Promise.race([ready, sleep(60_000)]), "the service worker is installed").toBe(true);
    await browser.close();
    await server.stop();
    await models.stop();
    browser = await openBrowser();
    page = await openPage(browser);
    await field().waitFor();
    expect(await page.locator(".model-label").textContent()).toContain("from-address");
    await send("Are you offline?");
    expect(await lastAnswer()).not.toBe("");
    await shoot("offline");
    server = await startPageServer("--folder", join(folder, "page"), "--port", port);
    models = await serveFolder(folder);
  });

  test("a kept model can be removed", async () => {
    await button("Models").click();
    const kept = page.getByRole("listitem");
    await kept
      .filter({ hasText: "from-address" })
      .getByRole("button", { name: /^Remove/ })
      .click();
    await expect.poll(() => kept.count()).toBe(1);
  });
});

describe("when something is wrong", () => {
  test.each([
    ["cut-off.gguf", "file-truncated", "The file is incomplete"],
    ["not-a-model.gguf", "file-corrupt", "The file is damaged, or not a model"],
  ])("%s is refused with %s", async (file, code, title) => {
    await chooseFile(file);
    const problem = page.getByRole("alert");
    await problem.waitFor();
    expect(await problem.getAttribute("data-code")).toBe(code);
    expect(await problem.textContent()).toContain(title);
    await shoot(`problem-${code}`);
    expect(await page.getByRole("listitem").count(), "a broken file is not kept").toBe(1);
  });

  test("an address with nothing behind it", async () => {
    await page.getByLabel("An address").fill(`${models.url}nowhere.gguf`);
    await button("Open").click();
    await expect.poll(() => page.getByRole("alert").getAttribute("data-code")).toBe("source-unreadable");
  });

  test("a model without a chat template continues a text instead", async () => {
    await chooseFile("plain.gguf");
    const beginning = page.getByRole("textbox", { name: "Beginning of a text" });
    await beginning.waitFor();
    await button("New").click();
    expect(await page.locator(".welcome").textContent()).toContain("no chat template");
    await beginning.fill("Once upon a time");
    await beginning.press("Enter");
    expect(await lastAnswer()).not.toBe("");
    await shoot("continuation");
  });

  test("hostile words from a model stay words", async () => {
    await page.evaluate(() => {
      const text =
        '<img src="x" onerror="window.hacked=1"><script>window.hacked=1</script> ![x](https://example.org/x.png) [a](javascript:window.hacked=1)';
      localStorage.setItem("fennec.chat.conversation", JSON.stringify([{ id: 1, role: "assistant", text }]));
    });
    await page.reload();
    await answers().first().waitFor();
    const reply = answers().first().locator(".reply");
    expect(await reply.locator("img, script, [onerror], a[href^=javascript]").count()).toBe(0);
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  });

  test("a browser without WebGPU runs the model on the processor, and says why", async () => {
    const context = await openBrowser(noWebgpuFlags, join(folder, "profile-without-webgpu"));
    try {
      const other = await openPage(context);
      await other.getByText("models run on the processor").waitFor();
      await other.locator("input[type=file]").setInputFiles(join(folder, "chatty.gguf"));
      await other.getByRole("textbox", { name: "Message" }).waitFor();
      const label = other.locator(".model-label");
      expect(await label.textContent()).toMatch(/chatty.*ONNX Runtime/);
      expect(await label.textContent()).not.toContain("copied");
      expect(await other.evaluate(() => crossOriginIsolated)).toBe(true); // several threads are possible
      expect(await label.getByTitle("WebGPU").count()).toBe(1);
      await other.getByRole("button", { name: "Settings", exact: true }).click();
      await other.getByLabel("Longest answer").fill("24");
      await other.getByRole("button", { name: "Done", exact: true }).click();
      await other.getByRole("textbox", { name: "Message" }).fill("Hello there");
      await other.getByRole("textbox", { name: "Message" }).press("Enter");
      await other.getByRole("button", { name: "Regenerate", exact: true }).waitFor();
      const stats = await other.getByRole("article", { name: "Model" }).last().locator(".stats").textContent();
      expect(stats).toMatch(/24 tokens/);
      await other.screenshot({ path: join(screenshots, "chat-without-webgpu.png") });
    } finally {
      await context.close();
    }
  });

  test("a browser that can run nothing is told so", async () => {
    const context = await openBrowser(noWebgpuFlags, join(folder, "profile-without-anything"));
    try {
      await context.route(/\/ort[^/]*$/, (route) => route.abort()); // the fallback's files
      const other = await openPage(context);
      const problem = other.getByRole("alert");
      await problem.waitFor();
      expect(await problem.getAttribute("data-code")).toBe("webgpu-missing");
      expect(await problem.textContent()).toContain("This browser offers no WebGPU");
      await other.screenshot({ path: join(screenshots, "chat-problem-no-webgpu.png") });
    } finally {
      await context.close();
    }
  });

  test("none of this made the page itself fail", () => {
    // Chromium reports the hostile reply's handlers while DOMPurify reads them in a document of its own.
    const expected = /404|ERR_CONNECTION_REFUSED|Failed to load resource|Executing inline event handler/;
    expect(pageErrors.filter((error) => !expected.test(error))).toEqual([]);
  });
});
