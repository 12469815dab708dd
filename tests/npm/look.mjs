// Opens every page of a folder in a browser, wide and narrow, light and dark, and says what is not right.
// usage: node look.mjs FOLDER CHROMIUM [SCREENSHOTS]
import { readdirSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, executablePath, screenshots] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const DARK = ["color-contrast", "link-in-text-block"];
const NARROW = ["color-contrast", "scrollable-region-focusable", "target-size"];
const wrong = [];
let looked = 0;
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const browser = await chromium.launch({ executablePath, args });

for (const name of readdirSync(folder).filter((file) => file.endsWith(".html")).sort()) {
  const url = pathToFileURL(resolve(folder, name)).href;
  for (const width of [360, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const at = `${name} at ${width} px, ${colorScheme}`;
      const context = await browser.newContext({ viewport: { width, height: width < 500 ? 740 : 900 }, colorScheme });
      const page = await context.newPage();
      page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(`${at}: console: ${message.text()}`));
      page.on("pageerror", (error) => wrong.push(`${at}: script: ${error.message}`));
      page.on("request", (request) => {
        if (request.url().split("#")[0] !== url && !request.url().startsWith("data:")) { wrong.push(`${at}: asks for ${request.url()}`); }
      });
      await page.goto(url);
      await structure(page, at);
      // Every rule once; in the dark colours alone are others, and on a narrow screen what can be touched and scrolled, too.
      const rules = colorScheme === "light" ? (width === 1280 ? null : NARROW) : width === 1280 ? DARK : [];
      await accessible(page, at, rules);
      if (width === 1280 && colorScheme === "light") { await use(page, at, url); }
      if (screenshots) {
        mkdirSync(screenshots, { recursive: true });
        await page.screenshot({ path: join(screenshots, `${name.replace(".html", "")}-${width}-${colorScheme}.png`) });
      }
      await context.close();
      looked += 1;
    }
  }
}
await browser.close();
wrong.forEach((line) => console.log(line));
console.log(`${looked} looks, ${wrong.length} things wrong`);
process.exit(looked > 0 && wrong.length === 0 ? 0 : 1);

// What every page has, whatever it shows.
async function structure(page, at) {
  const found = await page.evaluate(() => ({
    title: document.title,
    headings: document.querySelectorAll("h1").length,
    landmarks: ["header", "main", "footer"].filter((name) => !document.querySelector(name)),
    captions: [...document.querySelectorAll("table")].filter((table) => !table.querySelector("caption")).length,
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    language: document.documentElement.lang,
  }));
  if (!found.title || found.headings !== 1 || !found.language) { wrong.push(`${at}: title, h1 or language: ${JSON.stringify(found)}`); }
  if (found.landmarks.length || found.captions) { wrong.push(`${at}: landmarks or captions are missing: ${JSON.stringify(found)}`); }
  if (found.overflow > 0) { wrong.push(`${at}: is ${found.overflow} px too wide`); }
}

async function accessible(page, at, rules) {
  if (rules?.length === 0) { return; }
  await page.addScriptTag({ path: axe });
  const runOnly = rules ? { type: "rule", values: rules } : ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
  const { violations } = await page.evaluate((rules) => window.axe.run({ runOnly: rules, resultTypes: ["violations"] }), runOnly);
  for (const one of violations) { wrong.push(`${at}: axe: ${one.id} (${one.help}) in ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ")}`); }
}

// Filters, search, links, the copy button, keys and paper: once a page.
async function use(page, at, url) {
  const shown = (name) => page.evaluate((attribute) => [...document.querySelectorAll("[data-text]")].filter((item) => !item.hidden).map((item) => attribute ? item.getAttribute(attribute) : item.id), name);
  const all = await shown();
  if (await page.$("#search")) {
    for (const filter of await page.$$eval("select[data-filter]", (selects) => selects.map((select) => select.dataset.filter))) {
      const select = `select[data-filter="${filter}"]`;
      for (const value of await page.$$eval(`${select} option`, (options) => options.map((option) => option.value).filter(Boolean))) {
        await page.selectOption(select, value);
        const left = await shown(`data-${filter}`);
        if (left.some((has) => has !== value)) { wrong.push(`${at}: filter ${filter}=${value} shows ${[...new Set(left)].join(", ")}`); }
        const told = await page.textContent("#count");
        if (told !== `${left.length} / ${all.length}`) { wrong.push(`${at}: the count says ${told}, and ${left.length} are shown`); }
      }
      await page.selectOption(select, "");
    }
    const word = (await page.getAttribute(`[id="${all.at(-1)}"]`, "data-text")).split(" ")[0];
    await page.fill("#search", word);
    const found = await shown("data-text");
    if (!found.length || found.length === all.length || found.some((text) => !text.toLowerCase().includes(word.toLowerCase()))) { wrong.push(`${at}: a search for ${word} finds ${found.length} of ${all.length}`); }
    await page.fill("#search", "nothing has this word");
    if ((await shown()).length) { wrong.push(`${at}: a search for nothing finds something`); }
    // A link leads to what a filter hides.
    await page.evaluate((id) => { location.hash = id; }, all[0]);
    await page.waitForFunction((id) => !document.getElementById(id).hidden, all[0], { timeout: 2000 }).catch(() => wrong.push(`${at}: #${all[0]} stays hidden`));
    const finding = await page.$("article p[id]");
    if (finding) {
      const id = await finding.getAttribute("id");
      await page.fill("#search", "nothing has this word");
      await page.evaluate((to) => { location.hash = to; }, id);
      await page.waitForFunction((to) => document.getElementById(to).offsetParent !== null, id, { timeout: 2000 }).catch(() => wrong.push(`${at}: the finding #${id} stays hidden`));
    }
    await page.fill("#search", "");
    if ((await shown()).length !== all.length) { wrong.push(`${at}: not everything comes back`); }
  }
  const copy = await page.$("button[data-copy]");
  if (copy) {
    await copy.evaluate((button) => { for (let box = button.closest("details"); box; box = box.parentElement.closest("details")) { box.open = true; } });
    await copy.click();
    await page.waitForFunction((button) => button.textContent === button.dataset.done, copy, { timeout: 2000 }).catch(() => wrong.push(`${at}: the copy button says nothing`));
  }
  await page.goto(`${url}#`);
  await page.reload();
  await page.keyboard.press("Tab");
  if (!(await page.evaluate(() => document.activeElement.classList.contains("skip")))) { wrong.push(`${at}: the first Tab does not reach the link that skips`); }
  await page.emulateMedia({ media: "print" });
  if (await page.$eval("body", () => [...document.querySelectorAll(".filters, button")].some((one) => getComputedStyle(one).display !== "none"))) { wrong.push(`${at}: filters or buttons are printed`); }
  await page.emulateMedia({ media: "screen" });
}
