// An operator at the operator page, and somebody who reads how to connect: headless
// Chromium, with scripts and under the pages' own policy; pictures in a folder.
//
// usage: operator.mjs URL FOLDER < JOB
//
// JOB is JSON: part, "use" (what moves moves, what can be pressed does something) or
// "look" (pictures and the checker); user and password of an operator, revoke (a person whose grants are to
// end), and guide, the address of the server itself. Calls run meanwhile. Fails when a
// plot stands still, a button does nothing, the console complains, or a page is not fit
// for narrow and wide, light and dark, both languages, or no script.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { json } from "node:stream/consumers";
import { newPage, signIn, withBrowser } from "./browser.mjs";
import { check } from "./fitness.mjs";

const WIDTHS = [390, 1280];
const SCHEMES = ["light", "dark"];
const LANGUAGES = { "en-GB": "en", "es-ES": "es" };
const TITLES = { en: "Operator page", es: "Página del operador" };

const [url, folder] = process.argv.slice(2);
const job = await json(process.stdin);
await mkdir(folder, { recursive: true });
const faults = [];
let seen = 0;

await withBrowser(async (browser) => {
  const signedIn = await enter(browser);
  if (job.part === "use") {
    await reads(browser, signedIn);
    await withoutScript(browser, signedIn);
    await acts(browser, signedIn);
    await guides(browser);
    return;
  }
  for (const [locale, language] of Object.entries(LANGUAGES)) {
    for (const colorScheme of SCHEMES) {
      for (const width of WIDTHS) {
        // The checker is a script of its own, which the policy would refuse.
        const options = { locale, colorScheme, viewport: { width, height: 900 }, javaScriptEnabled: true, bypassCSP: true, storageState: signedIn };
        await look(browser, options, `${colorScheme}-${width}-${language}`, language);
      }
    }
  }
});
assert.deepEqual(faults, [], `${faults.length} faults`);
console.log(`${seen} views of the operator page and the guide, no serious fault; pictures are in ${folder}`);

/** Signs in; what the browser has then. */
async function enter(browser) {
  const { context, page } = await newPage(browser);
  await page.goto(url);
  await page.screenshot({ path: path.join(folder, "operator-sign-in.png") });
  await signIn(page, job);
  await page.locator("#scopes table").waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

/** The page moves by itself, and what can be switched switches. */
async function reads(browser, storageState) {
  const { context, page, complaints } = await newPage(browser, { javaScriptEnabled: true, storageState, viewport: { width: 1280, height: 900 }, locale: "en-GB" });
  await page.goto(url);
  for (const plot of ["calls", "errors", "latency", "use"]) {
    const drawn = () => page.locator(`[data-plot=${plot}] path`).evaluateAll((paths) => paths.map((path) => path.getAttribute("d")).join());
    await page.waitForFunction((plot) => document.querySelector(`[data-plot=${plot}] path`)?.getAttribute("d").includes("L"), plot);
    const before = await drawn();
    await page.waitForFunction(([plot, before]) => [...document.querySelectorAll(`[data-plot=${plot}] path`)].map((path) => path.getAttribute("d")).join() !== before, [plot, before]);
  }
  const calls = await page.locator("[data-plot=calls] .readout").innerText();
  assert.match(calls, /claude [1-9\d.]+/, calls);
  const latency = await page.locator("[data-plot=latency] .readout").innerText();
  assert.match(latency, /claude [\d.,]+ ms · [\d.,]+ ms/, latency);

  // The table follows.
  const count = () => page.locator("#scopes tr", { hasText: "claude" }).first().locator("td").nth(2).innerText();
  const first = await count();
  await page.waitForFunction((first) => {
    const row = [...document.querySelectorAll("#scopes tbody tr")].find((row) => row.querySelector("th").textContent === "claude");
    return row.querySelectorAll("td")[2].textContent !== first;
  }, first);
  assert.match(await page.locator("#refusals").innerText(), /write-not-allowed/);
  assert.match(await page.locator("#codes").innerText(), /write-not-allowed/);
  assert.match(await page.locator("#happened").innerText(), /sign_in/);

  // A scope is hidden and shown again.
  const lines = () => page.locator("[data-plot=calls] path").count();
  const all = await lines();
  const claude = page.getByRole("button", { name: "claude", exact: true });
  await claude.click();
  assert.equal(await lines(), all - 1);
  assert.equal(await claude.getAttribute("aria-pressed"), "false");
  await claude.click();
  assert.equal(await lines(), all);

  // A moment is pointed at with the keyboard, and with a pointer.
  const frame = page.locator("[data-plot=calls] .frame");
  await frame.focus();
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.locator(".moment").count(), 4);
  await frame.evaluate((frame) => frame.blur());
  assert.equal(await page.locator(".moment").count(), 0);
  await frame.hover();
  await page.locator("[data-plot=use] .moment").waitFor({ state: "attached" });
  await page.mouse.move(0, 0);

  // Paused, nothing is asked for.
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Go on" }).waitFor();
  await page.waitForLoadState("networkidle");
  let asked = 0;
  page.on("request", () => (asked += 1));
  await page.waitForTimeout(4_500);
  assert.equal(asked, 0, "it asks while it is paused");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.waitForRequest(/live/);
  faults.push(...complaints.map((complaint) => `reading: ${complaint}`));
  await context.close();
}

/** All figures are there as tables, which reload. */
async function withoutScript(browser, storageState) {
  const { context, page, complaints } = await newPage(browser, { storageState, locale: "en-GB" });
  await page.goto(url);
  assert.ok(await page.locator("#plots").isHidden());
  assert.match(await page.locator("#scopes").innerText(), /claude/);
  assert.equal(await page.locator("meta[http-equiv=refresh]").count(), 1);
  await page.screenshot({ path: path.join(folder, "operator-no-script.png"), fullPage: true });
  faults.push(...complaints.map((complaint) => `without script: ${complaint}`));
  await context.close();
}

async function look(browser, options, variant, language) {
  const { context, page, complaints } = await newPage(browser, options);
  await page.goto(url);
  assert.equal(await page.locator("h1").innerText(), TITLES[language]);
  await page.locator("[data-plot=calls] path").first().waitFor({ state: "attached" });
  await inspect(page, "operator", variant, language, 1);
  await page.goto(`${url}/confirm?action=revoke_all`);
  await inspect(page, "operator-confirm", variant, language, 0);
  for (const [name, address] of Object.entries({ home: "/", docs: "/docs" })) {
    await page.goto(`${job.guide}${address}`);
    await inspect(page, name, variant, language, 1);
  }
  faults.push(...complaints.map((complaint) => `${variant}: ${complaint}`));
  await context.close();
}

async function inspect(page, name, variant, language, scripts) {
  seen += 1;
  await page.screenshot({ path: path.join(folder, `${name}-${variant}.png`), fullPage: true });
  // It is looked at as it stands: what is swapped under the checker is no fault.
  const pause = page.locator("#pause");
  if (await pause.count()) await pause.click();
  for (const fault of await check(page, language, { scripts })) faults.push(`${name}, ${variant}: ${fault}`);
}

/** The forms do what they say, without a mouse. */
async function acts(browser, storageState) {
  const { context, page, complaints } = await newPage(browser, { javaScriptEnabled: true, storageState, locale: "en-GB" });
  await page.goto(url);
  await page.getByLabel("What to do").selectOption("revoke_person");
  await page.getByLabel("Name or id").fill(job.revoke);
  await page.keyboard.press("Enter");
  await page.waitForURL(/confirm/);
  assert.match(await page.locator(".facts").innerText(), new RegExp(job.revoke));
  await page.screenshot({ path: path.join(folder, "operator-confirm-person.png") });
  await page.getByRole("button", { name: "Do it" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/done=revoke_person/);
  assert.match(await page.getByRole("status").first().innerText(), /Grants that ended: [1-9]/);
  assert.match(await page.locator("#happened").innerText(), /revoke_person/);

  await page.getByRole("link", { name: "Load again: claude-tools", exact: true }).click();
  await page.getByRole("button", { name: "Do it" }).click();
  await page.waitForURL(/done=reload_tool_set/);
  await page.getByRole("link", { name: "Español" }).click();
  assert.equal(await page.locator("h1").innerText(), TITLES.es);
  await page.locator("button[value=sign-out]").click();
  await page.locator("input[name=password]").waitFor();
  faults.push(...complaints.map((complaint) => `acting: ${complaint}`));
  await context.close();
}

/** What is copied is the address that is shown. */
async function guides(browser) {
  const { context, page, complaints } = await newPage(browser, { javaScriptEnabled: true, locale: "en-GB", permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(`${job.guide}/docs`);
  const copy = page.getByRole("button", { name: "Copy: Claude", exact: true });
  await copy.click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${job.guide}/claude/mcp`);
  await page.locator("button[data-copy=claude]", { hasText: "Copied" }).waitFor();
  faults.push(...complaints.map((complaint) => `guide: ${complaint}`));
  await context.close();
  const plain = await newPage(browser, { locale: "es-ES" });
  await plain.page.goto(job.guide);
  assert.equal(await plain.page.locator("button:visible").count(), 0);
  await plain.page.getByRole("link", { name: "English" }).click();
  assert.equal(await plain.page.locator("html").getAttribute("lang"), "en");
  await plain.context.close();
}
