// The studio page in Chromium: separates, plays, saves; with a mouse and without.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { close, demoModel, demoPlanes, demoSong, native, openStudio, scratch, SOURCE, watch, wavOf, WEB, writeWav } from './helpers.mjs';

const tools = name => import(pathToFileURL(path.join(SOURCE, 'web/tools', name)));
const { launch, usage } = await tools('chromium.mjs');
const { serve } = await tools('serve.mjs');
const { readFlac } = await import(pathToFileURL(path.join(WEB, 'package/lib/flac.js')));

const problems = [], requests = [];
let server, plain, browser, page, wanted;

async function visit(to = server, options = {}) {
    const p = await (options.browser ?? browser).context.newPage();
    if (options.viewport)
        await p.setViewportSize(options.viewport);
    watch(p, problems);
    p.on('request', r => requests.push(r.url()));
    await openStudio(p, to);
    return p;
}

const status = p => p.textContent('#status');
const ends = (p, text, timeout = 120000) => p.waitForFunction(wanted => {
    const s = document.querySelector('#status');
    return s.textContent.includes(wanted) || s.classList.contains('failed');
}, text, { timeout });

before(async () => {
    server = await serve({ '/': WEB });
    plain = await serve({ '/': WEB }, { isolated: false });
    browser = await launch({ viewport: { width: 1100, height: 1000 } });
    page = await visit();
    wanted = native(demoSong, demoModel);
});

after(async () => {
    await browser?.close();
    server?.close();
    plain?.close();
});

// Four times the demo song, so that it is not done before it is heard.
function longSong() {
    const four = demoPlanes().map(plane => Float32Array.from({ length: 4 * plane.length }, (_, i) => plane[i % plane.length]));
    return writeWav(path.join(scratch, 'long.wav'), four, 44100, 16);
}

test('a song can be heard before it is done', async () => {
    await page.setInputFiles('#song', longSong());
    await page.selectOption('#shifts', '4');
    await page.click('#separate');
    await page.waitForFunction(() => window.studio.player?.available > 0 || /Done/.test(document.querySelector('#status').textContent), null, { timeout: 120000 });
    assert.match(await status(page), /Separating: \d+ %/);
    await page.click('#play');
    await page.waitForFunction(() => window.studio.player.position > 4410, null, { timeout: 20000 });
    assert.match(await status(page), /Separating/);
    await page.click('#cancel');
    await ends(page, 'Cancelled');
    assert.equal(await status(page), 'Cancelled.');
    await page.click('#demo');
});

test('separated: the native stems', async t => {
    await page.selectOption('#shifts', '0');
    await page.click('#separate');
    await ends(page, 'Done');
    assert.match(await status(page), /^Done: 15\.0 s of music in/);
    assert.match(await page.textContent('#engine'), /2 threads|[2-8] threads|1 thread.*cross-origin/);
    await page.selectOption('#bits', '32');
    const got = {};
    for (const name of Object.keys(wanted)) {
        const saved = page.waitForEvent('download');
        await page.click(`[aria-label="save ${name}"]`);
        const download = await saved;
        assert.equal(download.suggestedFilename(), `song ${name}.wav`);
        got[name] = wavOf(await download.path()).planes;
    }
    t.diagnostic(`difference ${close(got, wanted)} of the peak`);
});

test('all as a zip that others can read', async () => {
    const saved = page.waitForEvent('download');
    await page.selectOption('#bits', '16');
    await page.click('#save-all');
    const zip = path.join(scratch, 'stems.zip'), out = path.join(scratch, 'zip');
    await (await saved).saveAs(zip);
    execFileSync('python3', ['-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])', zip, out]);
    assert.deepEqual(fs.readdirSync(out).sort(), Object.keys(wanted).map(n => `song ${n}.wav`).sort());
    const bass = wavOf(path.join(out, 'song bass.wav'));
    assert.equal(bass.bits, 16);
    close({ bass: bass.planes }, { bass: wanted.bass }, 1e-3);
});

// Records what the loudspeakers get, for a while, from the next play on.
async function capture(p, actions, frames = 30000) {
    return Float32Array.from(await p.evaluate(async ([source, count]) => {
        const { player, context } = window.studio;
        const url = URL.createObjectURL(new Blob([`registerProcessor('capture', class extends AudioWorkletProcessor {
            process([input]) { if (input[0]) this.port.postMessage(input[0].slice()); return true; } })`], { type: 'text/javascript' }));
        await context.audioWorklet.addModule(url).catch(() => {});
        const node = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0 });
        const blocks = [];
        let size = 0, done;
        node.port.onmessage = ({ data }) => {
            if (size === 0 && data.every(x => x === 0))
                return;
            blocks.push(data);
            size += data.length;
            if (size >= count)
                done();
        };
        player.node.connect(node);
        await new Function('studio', 'document', `return (async () => { ${source} })()`)(window.studio, document);
        await Promise.race([new Promise(resolve => { done = resolve; }), new Promise(resolve => setTimeout(resolve, 15000))]);
        player.node.disconnect(node);
        player.pause();
        return blocks.flatMap(b => [...b]);
    }, [actions, frames]));
}

// Where `got` lies in what should be heard, to the sample, and that nothing
// else is heard.
function heardAt(got, expected, frame, skip = 2000, length = 8000) {
    for (let shift = -4; shift <= 300; shift++) {
        let most = 0;
        for (let i = skip; i < skip + length && most < 1e-5; i++)
            most = Math.max(most, Math.abs(got[i] - expected(frame + i - shift)));
        if (most < 1e-5)
            return shift;
    }
    return undefined;
}

const names = () => Object.keys(wanted);
const sum = (...list) => i => list.reduce((s, name) => s + (wanted[name][0][i] ?? 0), 0);

test('what is heard: seek, mute, solo, gain, the mix', async () => {
    const seek = frame => `studio.player.seek(${frame}); await new Promise(r => setTimeout(r, 300)); await studio.player.play();`;
    const click = label => `document.querySelector('[aria-label="${label}"]').click();`;
    const all = await capture(page, seek(100000));
    const shift = heardAt(all, sum(...names()), 100000);
    assert.ok(shift !== undefined && Math.abs(shift) <= 128, `not what it should be: ${shift}`);
    const cases = [
        [click('mute vocals'), sum(...names().filter(n => n !== 'vocals'))],
        [click('solo drums'), sum('drums')],
        [`${click('solo drums')} ${click('solo bass')}`, sum('bass')],
        [`${click('solo bass')} ${click('mute vocals')}`, sum(...names())],
    ];
    for (const [action, expected] of cases)
        assert.notEqual(heardAt(await capture(page, `${action} ${seek(200000)}`), expected, 200000), undefined, action);
    const half = await capture(page, `const g = document.querySelector('[aria-label="gain of bass"]'); g.value = 0.5; g.dispatchEvent(new Event('input'));
        ${click('solo bass')} ${seek(200000)}`);
    assert.notEqual(heardAt(half, i => 0.5 * wanted.bass[0][i], 200000), undefined, 'gain');
    await page.evaluate(() => { document.querySelector('[aria-label="solo bass"]').click(); });
    await page.focus('h1, body');
    await page.keyboard.press('b');
    assert.equal(await page.getAttribute('#ab', 'aria-pressed'), 'true');
    const mix = await capture(page, seek(300000));
    const { demoPlanes } = await import('./helpers.mjs');
    assert.notEqual(heardAt(mix, i => demoPlanes()[0][i], 300000), undefined, 'mix');
    await page.keyboard.press('b');
});

test('a loop comes round to the sample', async () => {
    const from = 150000, to = 156000;
    const got = await capture(page, `studio.player.setLoop({ from: ${from}, to: ${to} }); studio.player.seek(${from});
        await new Promise(r => setTimeout(r, 300)); await studio.player.play();`, 40000);
    const expected = sum(...names().filter(n => n !== 'bass'));
    const bass = i => 0.5 * wanted.bass[0][i];
    const looped = i => { const at = from + ((i - from) % (to - from) + (to - from)) % (to - from); return expected(at) + bass(at); };
    assert.notEqual(heardAt(got, looped, from, 2000, 20000), undefined);
    await page.evaluate(() => window.studio.player.setLoop());
});

test('keys', async () => {
    await page.evaluate(() => { document.activeElement.blur(); window.studio.player.seek(0); });
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => window.studio.player.position), 5 * 44100);
    await page.keyboard.press('2');
    assert.equal(await page.getAttribute('[aria-label="mute bass"]', 'aria-pressed'), 'true');
    await page.keyboard.press('Shift+Digit2');
    assert.equal(await page.getAttribute('[aria-label="solo bass"]', 'aria-pressed'), 'true');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('#play').textContent === 'Pause');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('#play').textContent === 'Play');
});

test('integers, and what they keep', async () => {
    const p = await visit(server);
    await p.selectOption('#precision', 'int16');
    await p.click('#separate');
    await ends(p, 'Done');
    assert.match(await p.textContent('#engine'), /, int16: (\d+ dB of 60 promised|this processor gains nothing from integers; exact)$/);
    await p.close();
});

test('every control has a name, and the page fits a phone', async () => {
    const p = await visit(server, { viewport: { width: 360, height: 740 } });
    await p.click('#separate');
    await ends(p, 'Done');
    const nameless = await p.evaluate(() => [...document.querySelectorAll('button, input, select, canvas, progress')].filter(e =>
        !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.labels?.length)).map(e => e.outerHTML));
    assert.deepEqual(nameless, []);
    assert.ok(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than the screen');
    assert.match(await p.textContent('#engine'), /model from the cache/);
    await p.close();
});

test('without isolation, a broken model, a song that is none', async () => {
    const p = await visit(plain);
    await p.click('#separate');
    await ends(p, 'Done');
    assert.match(await p.textContent('#engine'), /1 thread \(this page is not cross-origin isolated/);
    const broken = path.join(scratch, 'broken.th');
    fs.writeFileSync(broken, fs.readFileSync(demoModel).subarray(0, 150000));
    await p.setInputFiles('#checkpoint', broken);
    await p.click('#separate');
    await p.waitForFunction(() => document.querySelector('#status').classList.contains('failed'));
    assert.match(await status(p), /broken\.th/);
    await p.setInputFiles('#checkpoint', demoModel);
    await p.setInputFiles('#song', broken);
    await p.click('#separate');
    await p.waitForFunction(() => /decode it/.test(document.querySelector('#status').textContent));
    await p.setInputFiles('#song', demoSong);
    await p.click('#separate');
    await ends(p, 'Done');
    await p.close();
});

// In a browser of its own, whose page has met nothing else.
test('a song of ten minutes: less than 1 GB for the page', async t => {
    const alone = await launch();
    try {
        const { planes, sampleRate } = readFlac(new Uint8Array(fs.readFileSync(demoSong)));
        const times = Math.ceil(600 * sampleRate / planes[0].length);
        const long = writeWav(path.join(scratch, 'long.wav'), planes.map(plane => {
            const all = new Float32Array(times * plane.length);
            for (let i = 0; i < times; i++)
                all.set(plane, i * plane.length);
            return all;
        }), sampleRate, 16);
        const p = await visit(server, { browser: alone });
        await p.setInputFiles('#song', long);
        await p.click('#separate');
        await ends(p, 'Done', 400000);
        assert.match(await status(p), /^Done: 10:00|^Done: 600/);
        const { own, megabytes } = usage(alone.profile);
        t.diagnostic(`${own} MB, ${megabytes} MB with the browser's program file`);
        assert.ok(own < 1000, `${own} MB`);
    } finally {
        await alone.close();
    }
});

test('nothing leaves the page, and the console is clean', () => {
    assert.deepEqual(requests.filter(url => /^https?:/.test(url) && !url.startsWith(server.base) && !url.startsWith(plain.base)), []);
    assert.deepEqual(problems, []);
});
