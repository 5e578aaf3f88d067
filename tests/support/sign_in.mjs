// Signs in to several nodes in one headless Chromium, each by its page, and prints what it sees, one
// line a step; fails at the first that does not come.
//
//   node sign_in.mjs USER PASSWORD URL…
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../web-ui/package.json", import.meta.url));
const { chromium } = createRequire(packages)("playwright-core");

const [user, password, ...urls] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ["--disable-gpu"],
});
const context = await browser.newContext();
context.setDefaultTimeout(15_000);

async function signIn(page, word) {
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Password").fill(word);
  await page.keyboard.press("Enter");
}

const signOut = (page) => page.getByRole("button", { name: "Sign out" });
const overview = (page) => page.getByRole("button", { name: "Pause" });

try {
  const pages = [];
  for (const url of urls) {
    const page = await context.newPage();
    await page.goto(url);
    await signIn(page, "wrong");
    // A browser's own password window would keep the answer back.
    await page.getByText("User or password is wrong.").waitFor();
    await signIn(page, password);
    await overview(page).waitFor();
    pages.push(page);
  }
  console.log("signed in");
  for (const page of pages) {
    await page.reload();
    await overview(page).waitFor();
    await signOut(page).waitFor();
  }
  console.log("still signed in after a reload");
  await signOut(pages[0]).click();
  await pages[0].getByLabel("Password").waitFor();
  for (const page of pages.slice(1)) {
    await page.reload();
    await overview(page).waitFor();
  }
  console.log("signed out of one alone");
  const wait = pages[0].getByText("too many wrong passwords: try again in");
  for (let tries = 0; tries < 10 && !(await wait.isVisible()); tries++) {
    await signIn(pages[0], `wrong${tries}`);
    await pages[0].getByText("User or password is wrong.").or(wait).waitFor();
  }
  console.log((await wait.isVisible()) ? "told to wait" : "never told to wait");
} finally {
  await browser.close();
}
