//! Takes the pictures of the documents from a demonstration: scripts/screenshots starts it.

import path from "node:path";

import { freePort, openBrowser, openPage, startMuster } from "../support/browser.mjs";

const folder = path.resolve(process.argv[2]);
/** What the reader's screen is like: a desk's, and a phone's. */
const desk = { width: 1200, height: 900 };
const phone = { width: 390, height: 844, deviceScaleFactor: 2 };
const themes = [
  { colorScheme: "light", suffix: "" },
  { colorScheme: "dark", suffix: "-dark" },
];

const port = await freePort();
const baseUrl = `http://127.0.0.1:${port}`;
const muster = await startMuster(["demo", "--listen", `127.0.0.1:${port}`], /Sign in: (\S+)/);
let browser;
try {
  browser = await openBrowser();
  const storageState = await signIn(muster.match[1]);
  const take = (name, address, view) => pictures(storageState, name, address, view);
  await take("home", "/live", desk);
  await take("check", "/live/closure?reason=burst+pipe", { ...desk, whole: true });
  await take("check-phone", "/live/closure?reason=burst+pipe", phone);
  const board = await send(storageState);
  await take("board", board, { ...desk, height: 1100 });
  await take("board-phone", board, phone);
} finally {
  await browser?.close();
  await muster.stop();
}

/** Signs in by the printed link, which works once, and answers the session. */
async function signIn(link) {
  const page = await openPage(browser, baseUrl, desk);
  await page.goto(link);
  await page.getByRole("button", { name: /^Sign in/ }).click();
  await page.waitForURL("**/live");
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

/** Sends a closure as a manager does, waits until a third has answered, and answers its board. */
async function send(storageState) {
  const page = await openPage(browser, baseUrl, { ...desk, storageState });
  await page.goto("/live/closure?reason=burst+pipe");
  await page.locator('input[name="has-read"]').check();
  await page.getByRole("button", { name: /^Send/ }).click();
  await page.waitForURL("**/alerts/*", { waitUntil: "commit" });
  const board = new URL(page.url()).pathname;
  const report = `${board.replace("alerts", "reports")}.json`;
  const deadline = Date.now() + 90_000;
  for (;;) {
    const { counts, recipients } = await (await page.request.get(report)).json();
    if (counts.acknowledged * 3 >= recipients) break;
    if (Date.now() > deadline) throw new Error(`after 90 s ${counts.acknowledged} have answered`);
    await page.waitForTimeout(500); // paces the look
  }
  await page.context().close();
  return board;
}

/** One picture in each theme: what is seen without scrolling, or the whole page. */
async function pictures(storageState, name, address, { whole = false, ...view }) {
  for (const { colorScheme, suffix } of themes) {
    const page = await openPage(browser, baseUrl, { ...view, colorScheme, storageState });
    await page.goto(address);
    await page.screenshot({ path: path.join(folder, `${name}${suffix}.png`), fullPage: whole });
    await page.context().close();
    console.log(`docs/pictures/${name}${suffix}.png`);
  }
}
