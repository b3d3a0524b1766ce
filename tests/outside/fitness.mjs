// What makes a page fit for everybody: its language, its width, its labels, the Tab
// key, and what an accessibility checker says. Needs a page in which scripts run and
// that takes one from here (bypassCSP).

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const SERIOUS = ["serious", "critical"];
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is wrong with a page, in words. */
export async function check(page, language, { scripts = 0 } = {}) {
  const faults = await page.evaluate(([language, scripts]) => {
    const faults = [];
    const root = document.documentElement;
    if (root.lang !== language) faults.push(`its language is "${root.lang}", not "${language}"`);
    const headings = document.querySelectorAll("h1").length;
    if (headings !== 1) faults.push(`it has ${headings} first headings`);
    if (document.scripts.length !== scripts) faults.push(`it has ${document.scripts.length} scripts`);
    for (const script of document.scripts) if (script.textContent.trim()) faults.push("it has a script in it");
    if (root.scrollWidth > root.clientWidth) faults.push(`it is ${root.scrollWidth} wide in ${root.clientWidth}`);
    for (const input of document.querySelectorAll("input:not([type=hidden]), select")) {
      if (!input.labels.length) faults.push(`the input ${input.name} has no label`);
    }
    return faults;
  }, [language, scripts]);
  faults.push(...(await unreachable(page)));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  for (const { id, impact, help, nodes } of violations) {
    const fault = `${id} (${impact}): ${help}: ${nodes.map(({ html }) => html).join(" ")}`;
    if (SERIOUS.includes(impact)) faults.push(fault);
    else console.log(`hint: ${fault}`);
  }
  return faults;
}

/** Controls that the Tab key does not reach, or shows no focus on. */
async function unreachable(page) {
  const count = await page.evaluate(() => {
    globalThis.controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']")].filter((control) => control.checkVisibility());
    globalThis.reached = new Set();
    document.activeElement?.blur();
    return globalThis.controls.length;
  });
  for (let press = 0; press < count + 2; press++) {
    await page.keyboard.press("Tab");
    await page.evaluate(() => {
      const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
      if (outlineStyle !== "none" || boxShadow !== "none") globalThis.reached.add(document.activeElement);
    });
  }
  return page.evaluate(() => globalThis.controls.filter((control) => !globalThis.reached.has(control)).map((control) => `no visible focus by Tab on ${control.outerHTML}`));
}
