// bench.mjs WORK WEB ROUNDS: contestants take turns, each in a browser or a Node
// process of its own that ends with its turn, so that none inherits state from
// another and disturbances of the machine affect all alike. Every turn
// is a line of WORK/turns.jsonl; those that went well are not taken again, so a
// run that was cut off goes on. The table has medians: processor time and peak
// memory of all the browser's processes (of its page's) or of the Node process,
// wall time, and the error against the native engine.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, usage } from '../chromium.mjs';
import { serve } from '../serve.mjs';

const [work, web, rounds = '3'] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const TURN = 600e3; // milliseconds that a turn may take
const CONTESTANTS = {
    'demucs-onnx, 1 thread': { threads: 1 },
    'onnxruntime-web, 1 thread': { threads: 1, ort: true },
    'demucs-onnx, 2 threads': { threads: 2 },
    'onnxruntime-web, 2 threads': { threads: 2, ort: true },
    'demucs-onnx, 1 thread, int16': { threads: 1, precision: 'int16' },
    'demucs-onnx, 2 threads, int16': { threads: 2, precision: 'int16' },
    'demucs-onnx, 1 thread, low memory': { threads: 1, lowMemory: true },
};
const RELAXED = '--experimental-wasm-relaxed-simd'; // in Node 20; later ones need none
const nodeFlags = spawnSync(process.execPath, [RELAXED, '-e', '0']).status === 0 ? [RELAXED] : [];

const server = await serve({ '/package/': path.join(web, 'package'), '/data/': work,
    '/ort/': path.join(here, '../node_modules/onnxruntime-web/dist'), '/': here });

async function inPage(browser, options) {
    const page = await browser.context.newPage();
    const crashed = new Promise((_, reject) => page.on('crash', () => reject(new Error('the page crashed'))));
    const call = (...given) => Promise.race([page.evaluate(...given), crashed]);
    await page.goto(`${server.base}/contestant.html`);
    await page.waitForFunction(() => window.step);
    const start = usage(browser.profile).seconds;
    const { isa } = await call(o => window.open_(o), options);
    const opened = usage(browser.profile).seconds - start;
    await call(() => window.step()); // warms up
    const before = usage(browser.profile).seconds;
    const { wall } = await call(() => window.step());
    const { seconds, megabytes, own } = usage(browser.profile);
    const error = await call(() => window.error_());
    const measured = await call(() => window.measure?.());
    return { isa, opened, cpu: seconds - before, wall, error, megabytes, own, ...measured };
}

async function inChromium(options) {
    const browser = await launch();
    browser.context.setDefaultTimeout(TURN);
    try {
        return await inPage(browser, options);
    } finally {
        await browser.close();
    }
}

function inNode(options) {
    const { status, stdout, stderr } = spawnSync(process.execPath,
        [...nodeFlags, path.join(here, 'node-contestant.mjs'), work, web, JSON.stringify(options)],
        { encoding: 'utf8', timeout: TURN });
    if (status !== 0)
        throw new Error(stderr.trim().split('\n').at(-1) || 'the process was ended');
    return JSON.parse(stdout);
}

const HOSTS = { Chromium: inChromium, Node: inNode };
const file = path.join(work, 'turns.jsonl');
const turns = () => fs.existsSync(file)
    ? fs.readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).map(line => JSON.parse(line)) : [];

async function takeTurn(turn, options) {
    let result;
    try {
        result = await HOSTS[turn.host](options);
    } catch (error) {
        result = { failed: String(error?.message ?? error).split('\n')[0] };
    }
    fs.appendFileSync(file, `${JSON.stringify({ ...turn, ...result })}\n`);
    console.error(`${turn.host}, ${turn.name}: ${result.failed ?? `${result.cpu.toFixed(2)} s of processor time, ${result.wall.toFixed(2)} s`}`);
}

async function takeTurns() {
    const taken = new Set(turns().filter(t => !t.failed).map(t => `${t.host} ${t.name} ${t.round}`));
    for (let round = 0; round < Number(rounds); round++)
        for (const host of Object.keys(HOSTS))
            for (const [name, options] of Object.entries(CONTESTANTS))
                if (!taken.has(`${host} ${name} ${round}`))
                    await takeTurn({ host, name, round }, options);
}

function median(list) {
    const sorted = list.toSorted((a, b) => a - b), n = sorted.length;
    return (sorted[n - 1 >> 1] + sorted[n >> 1]) / 2;
}

function report(host) {
    const all = turns().filter(t => t.host === host);
    console.log(`| ${host}, one segment (7.8 s) | CPU s | wall s | open, CPU s | memory, MB | without the program file | error of peak |\n|---|---|---|---|---|---|---|`);
    for (const name of Object.keys(CONTESTANTS)) {
        const mine = all.filter(t => t.name === name), fine = mine.filter(t => !t.failed);
        const of = key => median(fine.map(t => t[key]));
        console.log(fine.length === 0 ? `| ${name} | ${mine.at(-1)?.failed ?? 'no turn'} | | | | | |`
            : `| ${name} | ${of('cpu').toFixed(2)} | ${of('wall').toFixed(2)} | ${of('opened').toFixed(1)} `
            + `| ${of('megabytes').toFixed(0)} | ${fine[0].own ? of('own').toFixed(0) : ''} | ${of('error').toExponential(1)} |`);
    }
    const [one] = Object.keys(CONTESTANTS), measured = all.filter(t => t.name === one && t.fma);
    if (measured.length > 0) {
        const fma = median(measured.map(t => t.fma)), product = median(measured.map(t => t.product));
        console.log(`\n${measured[0].isa}: multiply-adds in registers ${fma.toFixed(1)} GFLOP/s a thread, `
            + `products in cache ${product.toFixed(1)} (${(100 * product / fma).toFixed(0)} %)\n`);
    }
}

await takeTurns();
server.close();
Object.keys(HOSTS).forEach(report);
