// screenshot.mjs WEB OUT.png [dark]: the studio page with the demo song separated,
// for the docs.
import { launch } from './chromium.mjs';
import { serve } from './serve.mjs';

const [web, out, scheme = 'light'] = process.argv.slice(2);
const server = await serve({ '/': web });
const browser = await launch({ viewport: { width: 900, height: 1200 }, colorScheme: scheme });
try {
    const page = await browser.context.newPage();
    await page.goto(`${server.base}/studio/`);
    await page.click('#separate:enabled');
    await page.waitForFunction(() => /Done/.test(document.querySelector('#status').textContent), null, { timeout: 120000 });
    await page.keyboard.press('2'); // mutes a stem
    await page.click('#play');
    await page.waitForFunction(() => window.studio.player.position > 1.6 * 44100);
    await page.click('#play');
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement.blur());
    await page.screenshot({ path: out, fullPage: true });
} finally {
    await browser.close();
    server.close();
}
