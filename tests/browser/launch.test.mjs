//! The manager's path in a real browser: from the sign-in link to the report, on a phone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  assertAccessible,
  checkEveryView,
  freePort,
  openBrowser,
  openPage,
  picture,
  startMuster,
  views,
} from "../support/browser.mjs";

const phone = views[0];

let browser;
let muster;
let baseUrl;
/** The manager's session, and the address of the alert that was sent. */
let storageState;
let board;

before(async () => {
  const port = await freePort();
  baseUrl = `http://127.0.0.1:${port}`;
  muster = await startMuster(["demo", "--listen", `127.0.0.1:${port}`], /Sign in: (\S+)/);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await muster?.stop();
});

const answered = async (page) => Number(await page.locator(".number b").first().textContent());

test("four taps from the sign-in link send a closure, and its board moves by itself", async () => {
  const page = await openPage(browser, baseUrl, phone);
  const strangers = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== baseUrl) strangers.push(request.url());
  });
  const broken = [];
  page.on("pageerror", (error) => broken.push(String(error)));
  page.on("console", (message) => message.type() === "error" && broken.push(message.text()));

  await page.goto(muster.match[1]);
  await page.getByRole("button", { name: /^Sign in/ }).tap(); // 1
  await page.waitForURL("**/live");
  await page.getByRole("link", { name: "burst pipe" }).tap(); // 2
  await page.waitForURL("**/live/closure?*");
  await assertAccessible(page);
  await picture(page, "check-quick-pick-phone-light");
  await page.getByRole("checkbox", { name: /alerts 160 people for real/ }).tap(); // 3
  await page.getByRole("button", { name: "Send LIVE alert to 160 people" }).tap(); // 4
  await page.waitForURL("**/alerts/*", { waitUntil: "commit" });
  board = new URL(page.url()).pathname;

  const ribbon = page.locator(".ribbon").first();
  assert.match(await ribbon.textContent(), /LIVE\s+Nothing has been sent yet\./);
  await page.getByText(/^Sending in \d s/).waitFor();
  await picture(page, "hold-phone-light");

  // The hold ends by itself, and nothing on the page says any longer that nothing was sent.
  await page.getByText(/^Running for/).waitFor();
  await page.waitForFunction(
    () => /Alert 1, sent/.test(document.querySelector(".ribbon").textContent),
  );
  assert.doesNotMatch(await page.locator("body").textContent(), /Nothing has been sent|will be said/);

  await page.evaluate(() => (window.notReloaded = true));
  const first = await answered(page);
  await page.waitForFunction(
    (before) => Number(document.querySelector(".number b").textContent) > before + 20,
    first,
  );
  assert.ok(await page.evaluate(() => window.notReloaded), "the numbers moved without a reload");
  await assertAccessible(page);
  await picture(page, "board-phone-light");

  assert.deepEqual(strangers, [], "no other host is asked for anything");
  assert.deepEqual(broken, [], "no script fails and nothing is refused");
  storageState = await page.context().storageState();
  await page.context().close();
});

test("the report explains everyone, and its curve ends at its own figures", async () => {
  const page = await openPage(browser, baseUrl, { ...phone, storageState });
  const address = board.replace("alerts", "reports");
  const report = await (await page.request.get(`${address}.json`)).json();
  const people = Object.values(report.counts).reduce((sum, count) => sum + count, 0);
  assert.equal(people, report.recipients);
  const last = report.curve.at(-1);
  assert.deepEqual([last.reached, last.answered], [report.figures.reached, report.figures.answered]);

  await page.goto(address);
  for (const { name, reason } of report.not_reached) {
    assert.ok(reason, `it is said why ${name} was not reached`);
    await page.getByRole("link", { name, exact: true }).first().waitFor();
  }
  await page.context().close();
});

test("without scripts a drill is sent, marked everywhere, and called off", async () => {
  const page = await openPage(browser, baseUrl, { ...phone, storageState, javaScriptEnabled: false });
  await page.goto("/drill");
  await page.getByRole("link", { name: "fire" }).click();
  for (const bubble of await page.locator(".previews .message").all()) {
    assert.match(await bubble.textContent(), /^(DRILL|SIMULACRO).*(DRILL|SIMULACRO)$/s);
  }
  await page.locator('input[name="has-read"]').check();
  await page.getByRole("button", { name: /^Send DRILL to \d+ people/ }).click();
  assert.match(page.url(), /\/alerts\//);
  assert.match(await page.title(), /DRILL/);
  await page.getByRole("button", { name: "Stop: send nothing" }).click();
  await page.getByText(/stopped/i).first().waitFor();
  const { counts } = await (await page.request.get(
    `${new URL(page.url()).pathname.replace("alerts", "reports")}.json`,
  )).json();
  assert.equal(counts.delivered + counts.accepted + counts.acknowledged, 0, "nobody was told");
  await page.context().close();
});

test("LIVE and DRILL differ in colour, word, title, icon and address", async () => {
  const looks = {};
  for (const address of ["/live/closure", "/drill/closure"]) {
    const page = await openPage(browser, baseUrl, { ...phone, storageState });
    await page.goto(`${address}?reason=burst+pipe`);
    looks[address] = {
      title: await page.title(),
      icon: await page.locator("link[rel=icon]").getAttribute("href"),
      word: await page.locator(".ribbon b").first().textContent(),
      ribbon: await page.locator(".ribbon").first().evaluate((node) => getComputedStyle(node).background),
      button: await page.getByRole("button", { name: /^Send/ }).evaluate(
        (node) => `${node.textContent} ${getComputedStyle(node).background}`,
      ),
    };
    await page.context().close();
  }
  for (const trait of ["title", "icon", "word", "ribbon", "button"]) {
    assert.notEqual(looks["/live/closure"][trait], looks["/drill/closure"][trait], trait);
  }
});

test("every page is readable in every view, by axe and without scrolling sideways", async () => {
  const page = await openPage(browser, baseUrl, { ...phone, storageState });
  await page.goto(board);
  const person = await page.locator(`a[href*="${board}/people/"]`).first().getAttribute("href");
  await page.goto("/people");
  const contact = await page.locator("main a.name").first().getAttribute("href");
  await page.goto(contact);
  const point = await page.locator('a[href*="/points/"]').first().getAttribute("href");
  await page.goto("/sandbox");
  const answer = await page.locator('a[href*="/a/"]').first().getAttribute("href");
  await page.context().close();
  const addresses = {
    live: "/live", drill: "/drill", check: "/live/closure", "check-drill": "/drill/evacuation",
    alerts: "/alerts", board, person, calls: `${board}/calls`, correct: `${board}/correct`,
    "all-clear": `${board}/all-clear`, update: `${board}/update`, remind: `${board}/remind`,
    stop: `${board}/stop`, report: board.replace("alerts", "reports"), people: "/people", contact,
    "new-contact": "/people/new", import: "/people/import",
    duplicates: "/people/duplicates", "opt-outs": "/people/opt-outs", point, groups: "/groups",
    group: "/groups/all-staff", templates: "/templates", template: "/templates/closure",
    sandbox: "/sandbox", service: "/service", accounts: "/accounts", account: "/account", log: "/log", password: "/password", answer,
    "no-such-page": "/nothing-here",
  };
  await checkEveryView(browser, baseUrl, addresses, { storageState });
  await checkEveryView(browser, baseUrl, { "sign-in": "/sign-in" });
});
