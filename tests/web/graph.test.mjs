// Exported graphs in onnxruntime-web, in Node and in the example's page: the
// stems of the native program from the checkpoint.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { close, collect, data, demoModel, DEMUCS_ONNX, load, native, noise, scratch, SOURCE, WEB, writeWav } from './helpers.mjs';

const tools = path.join(SOURCE, 'web/tools');
const { executable, launch } = await import(pathToFileURL(path.join(tools, 'chromium.mjs')));
const { serve } = await import(pathToFileURL(path.join(tools, 'serve.mjs')));
const { GraphDemucs, DemucsError } = await load('graph-node.js');
const dist = path.join(tools, 'node_modules/onnxruntime-web/dist');
const ort = await import(pathToFileURL(path.join(dist, 'ort.node.min.mjs')));
ort.env.wasm.wasmPaths = `${dist}/`;
ort.env.wasm.numThreads = 1;

const PROMISED = 1e-5; // of a stem's peak: another runtime's sums
const RATE = 44100, anyLength = path.join(data, 'family/hdemucs_odd/model.th');

function exported(model, name, ...options) {
    const file = path.join(scratch, `${name}.onnx`);
    execFileSync(DEMUCS_ONNX, ['export', model, file, '--no-parity-check', '-q', ...options], { stdio: 'ignore' });
    return file;
}

const demoGraph = exported(demoModel, 'demo');
const planes = noise(2, 130000, 5);
const song = writeWav(path.join(scratch, 'noise.wav'), planes, RATE);

async function runner(file) {
    const graph = fs.readFileSync(file);
    const session = await ort.InferenceSession.create(new Uint8Array(graph), { executionProviders: ['wasm'] });
    return { graph, run: async (mix, dims, { input, output }) =>
        (await session.run({ [input]: new ort.Tensor('float32', mix, dims) }, [output]))[output].data };
}

let demo;
before(async () => {
    demo = await runner(demoGraph);
});

async function separated(options, run) {
    const d = await GraphDemucs.open(options);
    try {
        return await collect(d.separate(planes, run));
    } finally {
        d.close();
    }
}

test('it says what the graph says', async () => {
    const d = await GraphDemucs.open(demo);
    assert.deepEqual(d.stems, ['drums', 'bass', 'other', 'vocals']);
    assert.deepEqual([d.sources, d.channels, d.sampleRate, d.segment], [d.stems, 2, RATE, 85995]);
    d.close();
});

test('the program\'s stems', async t => {
    t.diagnostic(`difference ${close(await separated(demo), native(song, demoModel), PROMISED)} of the peak`);
});

test('overlap, shifts and stems', async () => {
    const got = await separated({ ...demo, overlap: 0.4, shifts: 2, seed: 3, stems: ['bass', 'vocals'] });
    const { bass, vocals } = native(song, demoModel, ['--overlap', '0.4', '--shifts', '2', '--seed', '3']);
    close(got, { bass, vocals }, PROMISED);
});

test('any length: the last segment at its own', async () => {
    const file = exported(anyLength, 'any', '--dynamic');
    const wanted = native(song, anyLength, ['--segment', '1']);
    const lengths = new Set(), one = await runner(file);
    const run = (mix, dims, names) => {
        lengths.add(dims[2]);
        return one.run(mix, dims, names);
    };
    close(await separated({ graph: one.graph, run, segment: 1 }), wanted, PROMISED);
    assert.ok(lengths.size > 1);
});

test('a Hybrid Demucs with a Wiener filter', async t => {
    const model = path.join(data, 'family/hdemucs_wiener/model.th');
    const got = await separated({ ...await runner(exported(model, 'wiener')), segment: 1 });
    t.diagnostic(`difference ${close(got, native(song, model, ['--segment', '1']), PROMISED)} of the peak`);
});

test('a transformer of any length', async t => {
    const got = await separated(await runner(exported(demoModel, 'dynamic', '--dynamic')));
    t.diagnostic(`difference ${close(got, native(song, demoModel), PROMISED)} of the peak`);
});

test('weights of 8 bits', async t => {
    const got = await separated(await runner(exported(demoModel, 'eight', '--precision', 'int8')));
    const wanted = native(song, demoModel);
    let signal = 0, error = 0;
    for (const [name, planes] of Object.entries(wanted))
        planes.forEach((plane, c) => plane.forEach((x, i) => {
            signal += x * x;
            error += (got[name][c][i] - x) ** 2;
        }));
    const decibels = 10 * Math.log10(signal / error);
    t.diagnostic(`${decibels.toFixed(1)} dB`);
    assert.ok(decibels > 50, `${decibels} dB`);
});

test('a bag with weights', async () => {
    const weights = [[1, 0, 2, 1], [3, 1, 0, 1]];
    for (const name of ['one', 'two'])
        fs.copyFileSync(demoModel, path.join(scratch, `${name}.th`));
    fs.writeFileSync(path.join(scratch, 'bag.json'), JSON.stringify({ models: ['one', 'two'], weights }));
    close(await separated({ models: [demo, demo], weights }), native(song, path.join(scratch, 'bag.json')), PROMISED);
});

test('stems that sum to the mix, progress', async () => {
    const progress = [];
    const stems = Object.values(await separated(demo, { exactSum: true, onProgress: f => progress.push(f) }));
    planes.forEach((plane, c) => plane.forEach((x, i) => {
        assert.ok(Math.abs(stems.reduce((s, rows) => s + rows[c][i], 0) - x) < 1e-6);
    }));
    assert.ok(progress.every((f, i) => i === 0 || f >= progress[i - 1]));
    assert.equal(progress.at(-1), 1);
});

test('a song after a song that was left, cancelled or that failed', async () => {
    let failing = false;
    const run = (...given) => {
        if (failing)
            throw new Error('device lost');
        return demo.run(...given);
    };
    const d = await GraphDemucs.open({ graph: demo.graph, run });
    for await (const part of d.separate(planes)) {
        assert.equal(part.start, 0);
        await assert.rejects(collect(d.separate(planes)), { code: 'argument', message: /one song at a time/ });
        break;
    }
    const controller = new AbortController();
    await assert.rejects(collect(d.separate(planes, { signal: controller.signal, onProgress: () => controller.abort() })), { name: 'AbortError' });
    failing = true;
    await assert.rejects(collect(d.separate(planes)), { message: 'device lost' });
    failing = false;
    close(await collect(d.separate(planes)), native(song, demoModel), PROMISED);
    d.close();
    await assert.rejects(collect(d.separate(planes)), { code: 'argument', message: /close\(\)/ });
});

test('mistakes have a code, and a message that helps', async () => {
    const refuse = (options, wanted) => assert.rejects(GraphDemucs.open(options), { name: 'DemucsError', ...wanted });
    await refuse({}, { code: 'argument', message: /run/ });
    await refuse({ run: demo.run }, { code: 'argument', message: /graph/ });
    await refuse({ ...demo, graph: new Uint8Array(40) }, { code: 'format' });
    await refuse({ ...demo, graph: fs.readFileSync(demoModel) }, { code: 'format' });
    await refuse({ ...demo, graph: demo.graph.subarray(0, 9000) }, { code: 'format' });
    await refuse({ ...demo, stems: ['banjo'] }, { code: 'argument', message: /no stem 'banjo'/ });
    await refuse({ ...demo, segment: 1 }, { code: 'argument', message: /fixed length/ });
    await refuse({ models: [] }, { code: 'argument' });
    const d = await GraphDemucs.open({ graph: demo.graph, run: () => new Float32Array(7) });
    await assert.rejects(collect(d.separate(planes)), { code: 'argument', message: /gave 7 numbers; the graph's first output has/ });
    await assert.rejects(collect(d.separate([new Float32Array([NaN])])), { message: /not finite/ });
    await assert.rejects(collect(d.separate({ sampleRate: 48000, numberOfChannels: 1, getChannelData: () => planes[0] })), { message: /48000 Hz/ });
    d.close();
});

test('a damaged graph is refused or runs, and never ends the process', async () => {
    const bytes = fs.readFileSync(demoGraph);
    const { describeOnnx } = await load('lib/onnx-file.js');
    for (let i = 0; i < 2000; i++) {
        const damaged = new Uint8Array(bytes);
        damaged[i * 7 % 2000] ^= 1 << i % 8;
        damaged[bytes.length - 1 - i * 5 % 1500] ^= 255;
        let said;
        try {
            said = describeOnnx(damaged);
        } catch (error) {
            assert.ok(error instanceof DemucsError, String(error?.stack));
            continue;
        }
        if (i % 50 !== 0) // each compiles the module
            continue;
        const d = await GraphDemucs.open({ graph: damaged, run: demo.run }).catch(e => e);
        assert.ok(d instanceof DemucsError || d instanceof GraphDemucs, `${said} ${d?.stack}`);
        d.close?.();
    }
});

// ------------------------------------------------------------------ the page

const problems = [];
let server, browser;

async function visit() {
    browser = await launch();
    server ??= await serve({ '/ort/': dist, '/scratch/': scratch, '/': WEB });
    const page = await browser.context.newPage();
    page.setDefaultTimeout(300000);
    page.on('pageerror', error => problems.push(String(error)));
    await page.goto(`${server.base}/examples/onnxruntime-web/`);
    await page.waitForFunction(() => window.example);
    return page;
}

after(async () => {
    await browser?.close();
    server?.close();
});

test('the example\'s page', { skip: executable ? false : 'no Chromium' }, async t => {
    const page = await visit();
    page.on('console', m => m.type() === 'error' && problems.push(m.text()));
    await page.setInputFiles('#graph', demoGraph);
    await page.setInputFiles('#song', song);
    await page.click('#separate');
    await page.waitForFunction(() => document.querySelectorAll('audio').length === 4 || /Cannot|rror/.test(document.querySelector('#status').textContent));
    assert.equal(await page.textContent('#status'), 'Done');
    const got = await page.evaluate(async () => {
        const labels = [...document.querySelectorAll('#stems label')];
        return Object.fromEntries(await Promise.all(labels.map(async l =>
            [l.firstChild.data, [...new Int16Array((await (await fetch(l.querySelector('audio').src)).arrayBuffer()).slice(44))]])));
    });
    const wanted = native(song, demoModel);
    for (const [name, [left, right]] of Object.entries(wanted))
        assert.ok(left.every((x, i) => Math.abs(got[name][2 * i] / 32768 - x) < 1e-4
            && Math.abs(got[name][2 * i + 1] / 32768 - right[i]) < 1e-4), name);
    t.diagnostic(`${got.bass.length / 2} frames`);
    assert.deepEqual(problems, []);
    await browser.close();
    browser = undefined;
});
