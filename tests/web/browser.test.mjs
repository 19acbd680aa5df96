// The package in Chromium against the native program.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { close, data, demoModel, demoPlanes, demoSong, native, scratch, SOURCE, watch, WEB } from './helpers.mjs';

const tools = name => import(pathToFileURL(path.join(SOURCE, 'web/tools', name)));
const { launch } = await tools('chromium.mjs');
const { serve } = await tools('serve.mjs');

const pages = path.join(scratch, 'pages');
fs.mkdirSync(pages);
fs.writeFileSync(path.join(pages, 'index.html'), `<!doctype html><link rel="icon" href="data:,">
<script type="module">
import { Demucs, DemucsError } from '/package/index.js';
Object.assign(window, { Demucs, DemucsError, ready: true });
window.song = async (length = Infinity) => {
    const raw = new Float32Array(await (await fetch('/scratch/song.f32')).arrayBuffer());
    const half = raw.length / 2;
    return [0, 1].map(c => raw.slice(c * half, c * half + Math.min(length, half)));
};
window.collect = async (parts, keep = true) => {
    const stems = {};
    let frames = 0;
    for await (const part of parts) {
        frames += part.frames;
        if (keep)
            for (const [name, planes] of Object.entries(part.stems))
                (stems[name] ??= planes.map(() => [])).forEach((list, c) => list.push(planes[c]));
    }
    return { frames, stems };
};
window.send = async ({ stems }) => {
    for (const [name, planes] of Object.entries(stems))
        await fetch('/stem/' + name, { method: 'POST', body: new Blob(planes.flat()) });
};
window.failure = async work => {
    try {
        await work();
    } catch (error) {
        return { name: error.name, code: error.code, message: error.message };
    }
};
</script>`);

const requests = [], received = {}, problems = [];
let isolated, plain, browser, page;

function planesOf(buffer) {
    const all = new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length));
    return [all.subarray(0, all.length / 2), all.subarray(all.length / 2)];
}

async function visit(server) {
    const p = await browser.context.newPage();
    watch(p, problems);
    p.on('request', r => requests.push(r.url()));
    await p.goto(`${server.base}/pages/index.html`);
    await p.waitForFunction(() => window.ready);
    return p;
}

before(async () => {
    const planes = demoPlanes();
    fs.writeFileSync(path.join(scratch, 'song.f32'), Buffer.concat(planes.map(p => Buffer.from(p.buffer))));
    fs.writeFileSync(path.join(scratch, 'broken.th'), fs.readFileSync(demoModel).subarray(0, 200000));
    const folders = { '/package/': path.join(WEB, 'package'), '/pages/': pages, '/scratch/': scratch, '/data/': data };
    const options = { post: (url, body) => { received[url.split('/').pop()] = planesOf(body); }, seen: url => requests.push(url) };
    isolated = await serve(folders, options);
    plain = await serve(folders, { ...options, isolated: false });
    browser = await launch();
    page = await visit(isolated);
});

after(async () => {
    await browser?.close();
    isolated?.close();
    plain?.close();
});

const MODEL = '/data/demo/htdemucs_tiny-87685527.th';
const SDR = JSON.parse(fs.readFileSync(path.join(data, 'demo/expected.json'))).sdr_db_of_original_code;

function sdr(truth, got) {
    let signal = 0, noise = 0;
    truth.forEach((plane, c) => plane.forEach((x, i) => {
        signal += x * x;
        noise += (x - got[c][i]) ** 2;
    }));
    return 10 * Math.log10(signal / noise);
}

test('the demo song: the native stems, the native SDR', async t => {
    const d = await page.evaluate(async model => {
        const demucs = await Demucs.open({ model, threads: 2 });
        await send(await collect(demucs.separate(await song())));
        const { isa, threads, threadsReason, cached, heapBytes } = demucs;
        demucs.close();
        return { isa, threads, threadsReason, cached, heapBytes };
    }, MODEL);
    assert.ok(d.heapBytes > 0);
    assert.deepEqual(d, { isa: 'wasm-relaxed-simd', threads: 2, threadsReason: undefined, cached: false, heapBytes: d.heapBytes });
    const wanted = native(demoSong, demoModel);
    t.diagnostic(`difference ${close(received, wanted)} of the peak`);
    const { readFlac } = await import(pathToFileURL(path.join(WEB, 'package/lib/flac.js')));
    for (const [name, decibels] of Object.entries(SDR)) {
        const truth = readFlac(new Uint8Array(fs.readFileSync(path.join(data, `demo/true_${name}.flac`)))).planes;
        assert.ok(Math.abs(sdr(truth, received[name]) - sdr(truth, wanted[name])) < 0.01);
        assert.ok(Math.abs(sdr(truth, received[name]) - decibels) < 0.01);
    }
});

test('lent parts are empty once the next is asked for', async () => {
    const parts = await page.evaluate(async model => {
        const demucs = await Demucs.open({ model, threads: 1 });
        const planes = await song(), kept = [], copied = [];
        for await (const part of demucs.separate(planes, { lend: true })) {
            kept.push(part);
            copied.push(part.stems.vocals[0].length === part.frames);
        }
        for await (const part of demucs.separate(planes))
            kept.push(part);
        demucs.close();
        const lengths = kept.map(({ stems }) => Object.values(stems).flat().map(plane => plane.length));
        return { copied, lengths, whole: planes.every(plane => plane.length > 0) };
    }, MODEL);
    const n = parts.copied.length;
    assert.ok(n > 1 && parts.whole && parts.copied.every(fine => fine));
    assert.ok(parts.lengths.slice(0, n).flat().every(length => length === 0));
    assert.ok(parts.lengths.slice(n).flat().every(length => length > 0));
});

test('the next visit takes the model from the cache', async () => {
    const before = requests.filter(url => url.endsWith('.th')).length;
    const again = await visit(isolated);
    const cached = await again.evaluate(async model => {
        const demucs = await Demucs.open({ model, threads: 1 });
        demucs.close();
        return demucs.cached;
    }, MODEL);
    assert.equal(cached, true);
    assert.equal(requests.filter(url => url.endsWith('.th')).length, before);
    const cleared = await again.evaluate(async model => {
        await Demucs.clearCache();
        const demucs = await Demucs.open({ model, threads: 1 });
        demucs.close();
        return demucs.cached;
    }, MODEL);
    assert.equal(cleared, false);
    await again.close();
});

test('integers: what is promised, and a proof that is kept', async t => {
    const exact = native(demoSong, demoModel);
    for (const precision of ['int16', 'int8']) {
        const d = await page.evaluate(async ([model, precision]) => {
            const open = async () => {
                const stages = new Set();
                const demucs = await Demucs.open({ model, precision, integers: ['int16', 'int8'], threads: 2,
                    onProgress: (fraction, stage) => stages.add(stage) });
                return { demucs, proved: stages.has('prove') };
            };
            const first = await open(), second = await open();
            await send(await collect(second.demucs.separate(await song())));
            [first, second].forEach(({ demucs }) => demucs.close());
            return { proved: [first.proved, second.proved], precision: first.demucs.precision, same: second.demucs.precision };
        }, [MODEL, precision]);
        const [{ promised, decibels, layers }] = d.precision;
        const worst = Math.min(...Object.keys(exact).map(name => sdr(exact[name], received[name])));
        t.diagnostic(`${precision}: ${worst.toFixed(1)} dB, proved ${decibels.toFixed(1)}`);
        assert.deepEqual(d.proved, [true, false]);
        assert.deepEqual(d.same, d.precision);
        assert.ok(Object.values(layers).includes(precision));
        assert.ok(decibels >= promised + 4 && worst >= promised);
    }
    await page.evaluate(() => Demucs.clearCache());
    const again = await page.evaluate(async model => {
        const stages = new Set();
        const demucs = await Demucs.open({ model, precision: 'int16', threads: 2, onProgress: (fraction, stage) => stages.add(stage) });
        demucs.close();
        return { proved: stages.has('prove'), exact: demucs.precision[0].exact };
    }, MODEL);
    assert.equal(again.proved, !again.exact);
});

test('a cached model is held while it is read, and no longer', async () => {
    const d = await page.evaluate(async model => {
        const one = await Demucs.open({ model, threads: 1 });
        const two = await Demucs.open({ model, threads: 1 });
        const cached = [one.cached, two.cached];
        const again = (await collect(one.separate(await song(50000), { segment: 1.5 }))).frames;
        await Demucs.clearCache();
        const gone = await failure(async () => collect(one.separate(await song(50000), { segment: 1 })));
        const frames = (await collect(two.separate(await song(50000)))).frames;
        one.close();
        two.close();
        return { cached, again, gone, frames };
    }, MODEL);
    assert.deepEqual([d.cached[1], d.again, d.frames], [true, 50000, 50000]);
    assert.equal(d.gone.code, 'io');
    assert.match(d.gone.message, /can't be read any more/);
});

test('two pages that download the same at once', async () => {
    await page.evaluate(() => Demucs.clearCache());
    const other = await visit(isolated);
    const open = p => p.evaluate(async model => {
        const demucs = await Demucs.open({ model, threads: 1 });
        demucs.close();
        return demucs.stems.length;
    }, MODEL);
    assert.deepEqual(await Promise.all([open(page), open(other)]), [4, 4]);
    await other.close();
});

test('a page that is not isolated has one thread, and says why', async () => {
    const p = await visit(plain);
    const d = await p.evaluate(async model => {
        const demucs = await Demucs.open({ model, threads: 4 });
        const { frames } = await collect(demucs.separate(await song(90000)));
        const { threads, threadsReason } = demucs;
        demucs.close();
        return { threads, threadsReason, frames };
    }, MODEL);
    assert.equal(d.threads, 1);
    assert.match(d.threadsReason, /Cross-Origin-Opener-Policy: same-origin/);
    assert.equal(d.frames, 90000);
    await p.close();
});

// A browser of before 2021.
test('without SIMD: what to do', async () => {
    const old = path.join(scratch, 'old');
    fs.mkdirSync(old);
    fs.writeFileSync(path.join(old, 'features.js'), `WebAssembly.validate = () => false;\n${
        fs.readFileSync(path.join(WEB, 'package/lib/features.js'))}`);
    const server = await serve({ '/package/lib/': old, '/package/': path.join(WEB, 'package'), '/pages/': pages, '/data/': data });
    const p = await visit(server);
    const error = await p.evaluate(model => failure(() => Demucs.open({ model })), MODEL);
    assert.equal(error.code, 'unsupported');
    assert.match(error.message, /no SIMD; Chrome 91, Firefox 89, Safari 16\.4 and later have it/);
    await p.close();
    server.close();
    requests.splice(0, requests.length, ...requests.filter(url => !url.startsWith(server.base)));
});

test('without shared memory: one thread, and why', async () => {
    const p = await browser.context.newPage();
    await p.addInitScript(() => { delete globalThis.SharedArrayBuffer; });
    await p.goto(`${isolated.base}/pages/index.html`);
    await p.waitForFunction(() => window.ready);
    const d = await p.evaluate(async model => {
        const { threads, threadsReason } = await Demucs.open({ model, threads: 2 });
        return { threads, threadsReason };
    }, MODEL);
    assert.equal(d.threads, 1);
    assert.match(d.threadsReason, /no shared memory; Chrome 92/);
    await p.close();
});

for (const [name, server] of [['isolated', () => isolated], ['not isolated', () => plain]])
    test(`cancelled in the middle, and used again: ${name}`, async () => {
        const p = await visit(server());
        const d = await p.evaluate(async model => {
            const demucs = await Demucs.open({ model, threads: 2 });
            const controller = new AbortController();
            let late;
            const onProgress = (fraction, stage) => {
                if (stage === 'separate' && !controller.signal.aborted) {
                    late = performance.now();
                    controller.abort();
                }
            };
            const long = await song();
            const error = await failure(() => collect(demucs.separate(long, { signal: controller.signal, onProgress })));
            late = performance.now() - late;
            const { frames } = await collect(demucs.separate(await song(50000)));
            demucs.close();
            return { error, frames, late };
        }, MODEL);
        assert.equal(d.error.name, 'AbortError');
        assert.equal(d.frames, 50000);
        await p.close();
    });

test('mistakes', async () => {
    const errors = await page.evaluate(async model => ({
        broken: await failure(() => Demucs.open({ model: '/scratch/broken.th' })),
        missing: await failure(() => Demucs.open({ model: '/nowhere.th' })),
        unknown: await failure(() => Demucs.open({ model: 'htdemucs_typo' })),
        none: await failure(() => Demucs.open({})),
        blob: await failure(() => Demucs.open({ model: new Blob(['<html>']) })),
        rate: await failure(async () => {
            const demucs = await Demucs.open({ model, threads: 1 });
            await collect(demucs.separate(new AudioBuffer({ length: 10, sampleRate: 48000, numberOfChannels: 1 })));
        }),
    }), MODEL);
    assert.equal(errors.broken.name, 'DemucsError');
    assert.equal(errors.broken.code, 'format');
    assert.match(errors.missing.message, /the server answers 404/);
    assert.match(errors.unknown.message, /no released model/);
    assert.equal(errors.none.code, 'argument');
    assert.match(errors.blob.message, /web page/);
    assert.match(errors.rate.message, /48000 Hz.*44100 Hz.*sampleRate: 44100/);
    problems.splice(0, problems.length, ...problems.filter(text => !/404/.test(text)));
});

test('an AudioBuffer, a Blob and an ArrayBuffer as model', async () => {
    const frames = await page.evaluate(async model => {
        const bytes = await (await fetch(model)).arrayBuffer(), out = [];
        for (const given of [new Blob([bytes]), bytes]) {
            const demucs = await Demucs.open({ model: given, threads: 1 });
            const buffer = new AudioBuffer({ length: 44100, sampleRate: demucs.sampleRate, numberOfChannels: 2 });
            out.push((await collect(demucs.separate(buffer))).frames);
            demucs.close();
        }
        return out;
    }, MODEL);
    assert.deepEqual(frames, [44100, 44100]);
});

test('nothing else was asked for, and the console is clean', () => {
    const strange = requests.filter(url => /^https?:/.test(url) && !url.startsWith(isolated.base) && !url.startsWith(plain.base));
    assert.deepEqual(strange, []);
    assert.deepEqual(problems, []);
});
