// Looks at every page a person may see: pictures in a folder, and what an
// accessibility checker says.
//
// usage: screenshots.mjs ISSUER FOLDER < JOB
//
// JOB is JSON: user and password, where the server asks for them, and pages, the
// addresses by name of further pages to be seen when signed in. Light and dark,
// narrow and wide, English and Spanish; fails when a page is not fit for all.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { json } from "node:stream/consumers";
import { newPage, signIn, withBrowser } from "./browser.mjs";
import { check } from "./fitness.mjs";
import { authorizationUrl, metadata, register } from "./registration.mjs";

const WIDTHS = [390, 1280];
const SCHEMES = ["light", "dark"];
const LANGUAGES = { "en-GB": "en", "es-ES": "es" };

const [issuer, folder] = process.argv.slice(2);
const job = await json(process.stdin);
await mkdir(folder, { recursive: true });
const server = await metadata(issuer);
const client = await register(server, "http://127.0.0.1/callback");
const faults = [];
let seen = 0;

await withBrowser(async (browser) => {
  const signedIn = job.password ? await cookies(browser) : undefined;
  for (const [locale, language] of Object.entries(LANGUAGES)) {
    for (const colorScheme of SCHEMES) {
      for (const width of WIDTHS) {
        // The pages have no script; the checker is one.
        const options = { locale, colorScheme, viewport: { width, height: 800 }, javaScriptEnabled: true, bypassCSP: true };
        await asAStranger(browser, options, `${colorScheme}-${width}-${language}`, language);
        await asAPerson(browser, { ...options, storageState: signedIn }, `${colorScheme}-${width}-${language}`, language);
      }
    }
  }
});
assert.deepEqual(faults, [], `${faults.length} faults`);
console.log(`${seen} views, no serious fault; pictures are in ${folder}`);

/** The cookies of who has signed in: once, since attempts are counted. */
async function cookies(browser) {
  const { context, page } = await newPage(browser);
  await page.goto(authorizationUrl(server, client));
  await signIn(page, job);
  await page.locator('button[name="action"][value="allow"]').waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

async function asAStranger(browser, options, variant, language) {
  const { context, page, complaints } = await newPage(browser, options);
  await page.goto(authorizationUrl(server, client, { redirect_uri: "http://127.0.0.1/elsewhere" }));
  await look(page, "error", variant, language);
  if (job.password) {
    await page.goto(authorizationUrl(server, client));
    await look(page, "sign-in", variant, language);
    await signIn(page, { user: `nobody-${variant}`, password: "not the password" });
    await page.waitForLoadState();
    await look(page, "sign-in-refused", variant, language);
  }
  faults.push(...complaints.map((complaint) => `${variant}: ${complaint}`));
  await context.close();
}

async function asAPerson(browser, options, variant, language) {
  const { context, page, complaints } = await newPage(browser, options);
  await page.goto(authorizationUrl(server, client));
  await page.locator('button[name="action"][value="allow"]').waitFor();
  await look(page, "consent", variant, language);
  for (const [name, address] of Object.entries(job.pages ?? {})) {
    const response = await page.goto(address);
    assert.equal(response.status(), 200, address);
    await look(page, name, variant, language);
  }
  faults.push(...complaints.map((complaint) => `${variant}: ${complaint}`));
  await context.close();
}

async function look(page, name, variant, language) {
  seen += 1;
  await page.screenshot({ path: path.join(folder, `${name}-${variant}.png`), fullPage: true });
  for (const fault of await check(page, language)) faults.push(`${name}, ${variant}: ${fault}`);
}
