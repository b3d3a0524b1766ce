// A person at the sign-in and consent pages: headless Chromium, without scripts,
// as the pages promise to need none.
//
// usage: browser.mjs < JOB
//
// JOB is JSON: url, the address of the authorization request, and of user,
// password, answer ("allow" or "deny"), screenshots (a folder) and locale what is
// needed. The last line printed is JSON: {"redirect": URL} when the browser was
// sent back to the client, {"page": {…}} when a page says why not.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // tests run as root in containers
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// Sign-in here, sign-in at a provider, consent, and one more for a way back.
const PAGES = 8;
const PATIENCE = 30_000;

/** Starts Chromium for `use`, which gets a new profile of its own. */
export async function withBrowser(use) {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(existsSync(executablePath), `${executablePath} is missing: run tests/outside/install, or set CHROMIUM`);
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** A profile with a page; `complaints` collects what a person would see in the console. */
export async function newPage(browser, options = {}) {
  // Chromium reads no list of authorities from the environment, as Node does.
  const ignoreHTTPSErrors = Boolean(process.env.NODE_EXTRA_CA_CERTS);
  const context = await browser.newContext({ javaScriptEnabled: false, ignoreHTTPSErrors, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    // A page with an error status is one as well for the console.
    const of = message.location().url;
    if (message.type() === "error" && !of.endsWith("/favicon.ico") && !message.text().includes("the server responded with a status")) {
      complaints.push(message.text());
    }
  });
  return { context, page, complaints };
}

/** Signs in and answers until the browser is back at the client or a page ends it. */
export async function authorize(page, job) {
  const { url, answer = "allow", screenshots } = job;
  const client = new URL(new URL(url).searchParams.get("redirect_uri") ?? "about:blank");
  const back = (address) => {
    const at = new URL(address);
    return at.origin === client.origin && at.pathname === client.pathname;
  };
  // Where nobody listens, the address counts all the same.
  let redirect;
  page.on("request", (request) => {
    if (request.isNavigationRequest() && back(request.url())) redirect = request.url();
  });
  const go = async (action) => {
    const [response] = await Promise.all([
      page.waitForNavigation({ waitUntil: "load" }).catch((error) => {
        if (redirect) return null;
        throw error;
      }),
      action(),
    ]);
    return response;
  };
  const steps = [];
  let response = await page.goto(url).catch((error) => {
    if (!redirect) throw error;
  });
  while (!redirect) {
    const seen = await describe(page, response);
    if (screenshots) await page.screenshot({ path: path.join(screenshots, `${steps.length}-${seen.kind}.png`), fullPage: true });
    steps.push(seen.kind);
    assert.ok(steps.length <= PAGES, `going round in circles: ${steps.join(", ")}`);
    if (seen.kind === "sign-in") {
      if (steps.filter((kind) => kind === "sign-in").length > (job.attempts ?? 2)) return { page: seen, steps };
      response = await go(() => signIn(page, job));
    } else if (seen.kind === "consent") {
      response = await go(() => button(page, answer).click());
    } else {
      return { page: seen, steps };
    }
  }
  return { redirect, steps };
}

/** Fills in the form that asks who it is, if it asks, and sends it. */
export async function signIn(page, { user, password }) {
  const form = { username: user, password };
  for (const [name, value] of Object.entries(form)) {
    const input = page.locator(`input[name="${name}"]`);
    if (await input.count()) await input.fill(value ?? "");
  }
  await button(page, "sign-in").click();
}

function button(page, action) {
  return page.locator(`button[name="action"][value="${action}"]`);
}

/** What a person sees: which page it is, its status and words. */
async function describe(page, response) {
  const has = async (action) => (await button(page, action).count()) > 0;
  const kind = (await has("allow")) ? "consent" : (await has("sign-in")) ? "sign-in" : "other";
  const heading = page.locator("h1");
  return {
    kind,
    status: response?.status() ?? null,
    url: page.url(),
    heading: (await heading.count()) ? (await heading.first().innerText()).trim() : "",
    text: (await page.locator("body").innerText()).trim(),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const job = JSON.parse(await text(process.stdin));
  await withBrowser(async (browser) => {
    const { page, complaints } = await newPage(browser, job.locale ? { locale: job.locale } : {});
    const outcome = await authorize(page, job);
    // A policy that stops the browser on its way shows here first.
    assert.deepEqual(complaints, [], "the browser complains");
    console.log(JSON.stringify(outcome));
  });
}
