// Opens pages that listen to event streams in a browser, and prints what each has seen, a line of JSON a page.
// usage: node listen.mjs CHROMIUM URL…
// A page is over when it has set `window.over`.
import { chromium } from "playwright-core";

const [executablePath, ...urls] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const browser = await chromium.launch({ executablePath, args });
const seen = await Promise.all(urls.map(async (url) => {
  const page = await browser.newPage();
  await page.goto(url);
  const over = await page.waitForFunction(() => window.over, null, { timeout: 90_000 });
  return over.jsonValue();
}));
await browser.close();
seen.forEach((one) => console.log(JSON.stringify(one)));
