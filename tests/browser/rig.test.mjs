//! Proves the browser rig itself: that the browser is real and that its checks can fail.

import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import {
  assertAccessible,
  checkEveryView,
  openBrowser,
  openPage,
  violations,
} from "../support/browser.mjs";

const document = (body, style) => `<!doctype html><html lang="en"><head><title>Clinic</title>
  <meta name="viewport" content="width=device-width"><style>${style}</style></head>
  <body><main><h1>Clinic</h1>${body}</main></body></html>`;

const pages = {
  "/good": document("<p id=theme></p><button>Send</button>", `
    button { min-height: 48px; min-width: 48px }
    #theme::before { content: "light" }
    @media (prefers-color-scheme: dark) {
      body { background: #111; color: #eee }
      #theme::before { content: "dark" }
    }`),
  "/unlabelled": document("<input name=number>", ""),
  "/wide": document("<p>Too wide</p>", "p { width: 800px }"),
};

let browser;
let server;
let baseUrl;

before(async () => {
  server = http.createServer((request, response) => {
    // As strict as the real pages: what the rig injects must not depend on a lax policy.
    response.setHeader("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'");
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(pages[request.url] ?? document("<p>Nothing here</p>", ""));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${server.address().port}`;
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  server?.close();
});

test("a good page passes in every view and is pictured in each", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "muster-pictures-"));
  const set = process.env.MUSTER_TEST_PICTURES;
  process.env.MUSTER_TEST_PICTURES = folder;
  try {
    const pictures = await checkEveryView(browser, baseUrl, { good: "/good" });
    assert.equal(pictures.length, 4);
    for (const picture of pictures) assert.ok((await stat(picture)).size > 1000, picture);
  } finally {
    if (set === undefined) delete process.env.MUSTER_TEST_PICTURES;
    else process.env.MUSTER_TEST_PICTURES = set;
    await rm(folder, { recursive: true });
  }
});

test("a field without a label is found", async () => {
  const page = await openPage(browser, baseUrl);
  await page.goto("/unlabelled");
  assert.match((await violations(page)).join("\n"), /^label \(critical\)/m);
});

test("a page that must be scrolled sideways is found", async () => {
  const page = await openPage(browser, baseUrl);
  await page.goto("/wide");
  await assert.rejects(assertAccessible(page), /wider than the window/);
});

test("the dark view is dark and a page without scripts still opens", async () => {
  const page = await openPage(browser, baseUrl, { colorScheme: "dark", javaScriptEnabled: false });
  await page.goto("/good");
  const body = page.locator("body");
  assert.equal(await body.evaluate((node) => getComputedStyle(node).backgroundColor), "rgb(17, 17, 17)");
});
