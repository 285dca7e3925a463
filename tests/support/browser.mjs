//! A real Chromium for the browser tests: pages at a phone's and a desk's width, in both themes,
//! checked by axe, pictured on demand; and the real program to open in it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const variable = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run scripts/test, or scripts/test --browser`);
  return value;
};

// The packages live outside the source tree, where plain imports do not look.
const packages = createRequire(path.join(variable("MUSTER_TEST_NODE_PACKAGES"), "here.js"));
const { chromium } = packages("playwright-core");
const axe = await readFile(packages.resolve("axe-core/axe.min.js"), "utf8");

/** The widths and themes that every page must work in. */
export const views = [
  { name: "phone-light", width: 360, height: 740, colorScheme: "light" },
  { name: "phone-dark", width: 360, height: 740, colorScheme: "dark" },
  { name: "desk-light", width: 1280, height: 800, colorScheme: "light" },
  { name: "desk-dark", width: 1280, height: 800, colorScheme: "dark" },
];

/** Starts Chromium. Close it with `browser.close()`. */
export const openBrowser = () =>
  chromium.launch({
    executablePath: variable("MUSTER_TEST_CHROMIUM"),
    // Without the background flags Chromium calls its maker's hosts; root may not use its sandbox.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/**
 * Opens a tab with a session of its own, where `page.goto("/people")` means a page of `baseUrl`.
 * `options` is a view, or any of Playwright's own (`javaScriptEnabled: false`, `storageState`, …).
 * Close it with `page.context().close()`.
 */
export async function openPage(browser, baseUrl, { width = 360, height = 740, ...options } = {}) {
  const { name, ...rest } = options;
  const context = await browser.newContext({
    baseURL: baseUrl,
    viewport: { width, height },
    hasTouch: width < 700,
    isMobile: width < 700,
    locale: "en-GB",
    timezoneId: "UTC",
    ...rest,
  });
  context.setDefaultTimeout(15_000);
  return context.newPage();
}

/** What axe finds wrong by WCAG 2.2 AA, one readable line each; empty when all is well. */
export async function violations(page) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const result = await page.evaluate(
    (values) => window.axe.run(document, { runOnly: { type: "tag", values } }),
    tags,
  );
  return result.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${rule.help}: ${node.target.join(" ")}`),
  );
}

/** Fails when axe finds anything, or when the page must be scrolled sideways to be read. */
export async function assertAccessible(page) {
  assert.deepEqual(await violations(page), [], `axe on ${page.url()}`);
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(excess <= 0, `${page.url()} is ${excess} px wider than the window`);
}

/**
 * Opens every address of `addresses` (`{ name: address }`) in every view, checks it, and keeps a
 * picture of the whole page as `NAME-VIEW.png` in MUSTER_TEST_PICTURES, where that is set. Returns
 * the pictures' paths. `options` as for `openPage`: a signed-in `storageState`, for example.
 */
export async function checkEveryView(browser, baseUrl, addresses, options = {}) {
  const pictures = [];
  for (const view of views) {
    const page = await openPage(browser, baseUrl, { ...options, ...view });
    try {
      for (const [name, address] of Object.entries(addresses)) {
        await page.goto(address);
        await assertAccessible(page);
        pictures.push(...(await picture(page, `${name}-${view.name}`)));
      }
    } finally {
      await page.context().close();
    }
  }
  return pictures;
}

/** Keeps a picture of the whole page as it is now, where MUSTER_TEST_PICTURES names a folder. */
export async function picture(page, name) {
  const folder = process.env.MUSTER_TEST_PICTURES;
  if (!folder) return [];
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file, fullPage: true });
  return [file];
}

/** A port on 127.0.0.1 that nobody listens on. */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

/**
 * Starts the real program with `args` in an empty folder of its own, and waits until its output
 * matches `until`. Returns `{ match, output(), stop() }`; `output()` is all it has said so far.
 */
export async function startMuster(args, until, environment = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "muster-browser-"));
  const program = spawn(variable("MUSTER_TEST_BINARY"), args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise((resolve) => program.once("close", resolve));
  const stop = async () => {
    program.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const match = new Promise((resolve, reject) => {
    const hear = (chunk) => {
      output += chunk;
      const found = output.match(until);
      if (found) resolve(found);
    };
    program.stdout.setEncoding("utf8").on("data", hear);
    program.stderr.setEncoding("utf8").on("data", hear);
    program.once("error", reject);
    const fail = (why) => reject(new Error(`muster ${args.join(" ")} ${why}:\n${output}`));
    const timer = setTimeout(() => fail(`did not say ${until} within 60 s`), 60_000);
    ended.then((status) => {
      clearTimeout(timer);
      fail(`ended with ${status}`);
    });
  });
  try {
    return { match: await match, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
