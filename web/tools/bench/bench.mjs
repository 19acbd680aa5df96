// bench.mjs WORK WEB ROUNDS: contestants take turns in browsers of their own, so
// that whatever else the machine does strikes all alike; processor time and peak
// memory of the browser's processes, wall time in the page, medians.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, usage } from '../chromium.mjs';
import { serve } from '../serve.mjs';

const [work, web, rounds = '3'] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const CONTESTANTS = {
    'demucs-onnx, 1 thread': { threads: 1 },
    'demucs-onnx, 2 threads': { threads: 2 },
    'demucs-onnx, 1 thread, low memory': { threads: 1, lowMemory: true },
    'onnxruntime-web, 1 thread': { threads: 1, ort: true },
    'onnxruntime-web, 2 threads': { threads: 2, ort: true },
};

const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const server = await serve({ '/package/': path.join(web, 'package'), '/data/': work,
    '/ort/': path.join(here, '../node_modules/onnxruntime-web/dist'), '/': here });

async function enter(name, options) {
    const browser = await launch(), page = await browser.context.newPage();
    await page.goto(`${server.base}/contestant.html`);
    await page.waitForFunction(() => window.step);
    const before = usage(browser.profile).seconds;
    const said = await page.evaluate(o => window.open_(o), options);
    const opened = usage(browser.profile).seconds - before;
    const { error } = await page.evaluate(() => window.step(true)); // the first run warms up
    return { name, browser, page, said, opened, error, cpu: [], wall: [] };
}

async function turn(c) {
    const before = usage(c.browser.profile).seconds;
    const { wall } = await c.page.evaluate(() => window.step(false));
    c.cpu.push(usage(c.browser.profile).seconds - before);
    c.wall.push(wall);
}

const all = [];
for (const [name, options] of Object.entries(CONTESTANTS))
    all.push(await enter(name, options));
for (let round = 0; round < Number(rounds); round++)
    for (const c of all)
        await turn(c);
console.log('| Chromium, one segment (7.8 s) | CPU s | wall s | open, CPU s | page MB | error of peak |\n|---|---|---|---|---|---|');
for (const c of all) {
    console.log(`| ${c.name} | ${median(c.cpu).toFixed(2)} | ${median(c.wall).toFixed(2)} | ${c.opened.toFixed(1)} `
        + `| ${usage(c.browser.profile).megabytes} | ${c.error.toExponential(1)} |`);
    await c.browser.close();
}
const { isa, fma, product } = all[0].said;
console.log(`\n${isa}: multiply-adds ${fma.toFixed(1)} GFLOP/s a thread, products in cache ${product.toFixed(1)} (${(100 * product / fma).toFixed(0)} %)`);
server.close();
