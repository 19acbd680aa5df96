// The package in Node against the native program.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { close, collect, data, demoModel, demoPlanes, demoSong, load, native, noise, scratch, writeWav } from './helpers.mjs';

const { Demucs, DemucsError } = await load('node.js');
const { hasRelaxedSimd } = await load('lib/features.js');

let demo;
before(async () => {
    demo = await Demucs.open({ model: demoModel, threads: 2 });
});
after(() => demo.close());

test('it says what the model and the module are', () => {
    assert.deepEqual(demo.sources, ['drums', 'bass', 'other', 'vocals']);
    assert.deepEqual(demo.stems, demo.sources);
    assert.equal(demo.sampleRate, 44100);
    assert.equal(demo.channels, 2);
    assert.equal(demo.threads, 2);
    assert.equal(demo.threadsReason, undefined);
    assert.equal(demo.isa, hasRelaxedSimd() ? 'wasm-relaxed-simd' : 'wasm-simd128');
});

test('the demo song, with two threads and with one', async t => {
    const wanted = native(demoSong, demoModel), progress = [];
    const two = await collect(demo.separate(demoPlanes(), { onProgress: f => progress.push(f) }));
    t.diagnostic(`difference ${close(two, wanted)} of the peak`);
    assert.ok(progress.length > 3 && progress.at(-1) === 1);
    assert.ok(progress.every((f, i) => f >= 0 && f <= 1 && (i === 0 || f >= progress[i - 1] || progress[i - 1] === 1)));
    const alone = await Demucs.open({ model: demoModel, threads: 1 });
    assert.equal(alone.threads, 1);
    close(await collect(alone.separate(demoPlanes())), two, 0);
    alone.close();
});

test('overlap, shifts and seed are the program\'s', async () => {
    const options = ['--overlap', '0.1', '--shifts', '2', '--seed', '7', '--segment', '1.5', '--transition-power', '2'];
    const got = await collect(demo.separate(demoPlanes(),
        { overlap: 0.1, shifts: 2, seed: 7, segment: 1.5, transitionPower: 2 }));
    close(got, native(demoSong, demoModel, options));
});

test('some stems only', async () => {
    const all = native(demoSong, demoModel);
    const got = await collect(demo.separate(demoPlanes(), { stems: ['vocals', 'bass'] }));
    close(got, { bass: all.bass, vocals: all.vocals });
    await assert.rejects(collect(demo.separate(demoPlanes(), { stems: ['banjo'] })),
        { name: 'DemucsError', code: 'argument', message: /no stem 'banjo'; it has drums, bass, other, vocals/ });
});

test('stems that sum to the mix', async () => {
    const mix = demoPlanes();
    const stems = Object.values(await collect(demo.separate(mix, { exactSum: true })));
    let most = 0;
    mix.forEach((plane, c) => plane.forEach((x, i) => {
        most = Math.max(most, Math.abs(stems.reduce((s, planes) => s + planes[c][i], 0) - x));
    }));
    assert.ok(most < 1e-6, `off by ${most}`);
    await assert.rejects(collect(demo.separate(mix, { exactSum: true, stems: ['bass'] })), { code: 'argument' });
});

test('a bag of models with weights', async () => {
    const weights = [[1, 0, 2, 1], [3, 1, 0, 1]];
    for (const name of ['one', 'two'])
        fs.copyFileSync(demoModel, path.join(scratch, `${name}.th`));
    fs.writeFileSync(path.join(scratch, 'bag.json'), JSON.stringify({ models: ['one', 'two'], weights }));
    const bag = await Demucs.open({ model: { weights, models: ['one', 'two'].map(n => path.join(scratch, `${n}.th`)) } });
    const got = await collect(bag.separate(demoPlanes(), { shifts: 1 }));
    bag.close();
    close(got, native(demoSong, path.join(scratch, 'bag.json'), ['--shifts', '1']));
});

test('mono, many channels, one sample, silence', async () => {
    const [left, right] = noise(2, 30000);
    const mono = await collect(demo.separate([left]));
    close(mono, await collect(demo.separate([left, left])), 0);
    const four = await collect(demo.separate([left, right, left, right]));
    close(four, await collect(demo.separate([left, right])), 1e-5);
    const one = await collect(demo.separate([new Float32Array([0.5]), new Float32Array([-0.5])]));
    assert.equal(one.drums[0].length, 1);
    const silence = await collect(demo.separate([new Float32Array(50000)]));
    assert.ok(Object.values(silence).flat().every(plane => plane.every(x => Math.abs(x) < 1e-6)));
});

test('cancelled within a segment, and used again', async () => {
    const controller = new AbortController();
    let calls = 0;
    const onProgress = (fraction, stage) => {
        if (stage === 'separate' && ++calls === 1)
            controller.abort();
    };
    await assert.rejects(collect(demo.separate(demoPlanes(), { signal: controller.signal, onProgress })), { name: 'AbortError' });
    for await (const part of demo.separate(demoPlanes())) {
        assert.equal(part.start, 0);
        break; // who stops reading cancels, too
    }
    await assert.rejects(collect(demo.separate(demoPlanes(), { signal: AbortSignal.abort() })), { name: 'AbortError' });
    const short = noise(2, 40000);
    assert.equal((await collect(demo.separate(short))).drums[0].length, 40000);
});

test('mistakes have a code, and a message that helps', async () => {
    const refuse = (options, wanted) => assert.rejects(Demucs.open(options), wanted);
    await refuse({}, { code: 'argument', message: /model/ });
    await refuse({ model: 'htdemucs_typo' }, { code: 'argument', message: /no released model is called 'htdemucs_typo'; there are htdemucs/ });
    await refuse({ model: '/nowhere/x.th' }, { code: 'io', message: /no such file/ });
    await refuse({ model: demoSong }, { code: 'format', message: /not a PyTorch checkpoint but a sound file/ });
    await refuse({ model: new ArrayBuffer(0) }, { code: 'format', message: /empty/ });
    const bytes = fs.readFileSync(demoModel).subarray(0, 100000);
    await refuse({ model: new Uint8Array(bytes) }, DemucsError);
    const nan = [Float32Array.of(0, NaN, 0), new Float32Array(3)];
    await assert.rejects(collect(demo.separate(nan)), { code: 'argument', message: /not finite/ });
    await assert.rejects(collect(demo.separate(demoPlanes(), { overlap: 2 })), { code: 'argument', message: /overlap/ });
    await assert.rejects(collect(demo.separate([new Float32Array(3), new Float32Array(4)])), { code: 'argument' });
    const busy = demo.separate(noise(2, 30000));
    await busy.next();
    await assert.rejects(collect(demo.separate(noise(2, 100))), { code: 'argument', message: /one song at a time/ });
    await busy.return();
});

test('a model file that changes between two looks', async () => {
    const file = path.join(scratch, 'changing.th');
    fs.copyFileSync(demoModel, file);
    const d = await Demucs.open({ model: file, threads: 1 });
    const short = noise(2, 40000);
    assert.equal((await collect(d.separate(short, { segment: 1.5 }))).drums[0].length, 40000);
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    fs.writeFileSync(file, bytes);
    await assert.rejects(collect(d.separate(short, { segment: 1 })),
        { name: 'DemucsError', code: 'io', message: /changing\.th: the file was changed while it was in use; open it again/ });
    fs.rmSync(file);
    await assert.rejects(collect(d.separate(short, { segment: 1 })), { code: 'io', message: /changing\.th/ });
    d.close();
});

test('a damaged model in every sixteenth place never ends the process', async () => {
    const bytes = fs.readFileSync(path.join(data, 'htdemucs/model.th'));
    for (let i = 0; i < 16; i++) {
        const damaged = new Uint8Array(bytes);
        damaged[Math.floor((i + 0.5) * bytes.length / 16)] ^= 0xff;
        const d = await Demucs.open({ model: damaged, threads: 1 }).catch(e => e);
        assert.ok(d instanceof DemucsError ? d.code !== 'worker' : true, d.message);
        d.close?.();
    }
});

test('opening shows the checksums\' progress, then the weights\'', async () => {
    for (const model of [demoModel, path.join(data, 'safetensors/htdemucs.safetensors')]) {
        const seen = [];
        const d = await Demucs.open({ model, threads: 1, onProgress: (fraction, stage) => seen.push([stage, fraction]) });
        d.close();
        const stages = [...new Set(seen.map(([stage]) => stage))];
        assert.deepEqual(stages, ['check', 'load']);
        const check = seen.filter(([stage]) => stage === 'check').map(([, fraction]) => fraction);
        assert.ok(check.every((f, i) => f > 0 && f <= 1 && (i === 0 || f >= check[i - 1])));
        assert.equal(check.at(-1), 1);
    }
});

test('low memory', async () => {
    const d = await Demucs.open({ model: demoModel, lowMemory: true });
    close(await collect(d.separate(demoPlanes())), native(demoSong, demoModel));
    d.close();
});

test('downloads are cached', async () => {
    let hits = 0;
    const server = http.createServer((request, response) => {
        hits++;
        if (request.url !== '/tiny.th')
            return response.writeHead(404).end();
        fs.createReadStream(demoModel).pipe(response);
    });
    await new Promise(done => server.listen(0, '127.0.0.1', done));
    const base = `http://127.0.0.1:${server.address().port}`;
    const cache = path.join(scratch, 'cache'), seen = [];
    const first = await Demucs.open({ model: `${base}/tiny.th`, cache, onDownload: n => seen.push(n) });
    assert.equal(first.cached, false);
    assert.equal(seen.at(-1), fs.statSync(demoModel).size);
    first.close();
    const second = await Demucs.open({ model: new URL(`${base}/tiny.th`), cache });
    assert.equal(second.cached, true);
    second.close();
    assert.equal(hits, 1);
    assert.deepEqual(fs.readdirSync(cache).filter(name => name.endsWith('.part')), []);
    await assert.rejects(Demucs.open({ model: `${base}/none.th`, cache }), { code: 'network', message: /404/ });
    server.close();
    await assert.rejects(Demucs.open({ model: `${base}/other.th`, cache }), { code: 'network', message: /open it as a file/ });
});

// Every kind of model that the native engine runs here.
const models = [...fs.readdirSync(data), ...fs.readdirSync(path.join(data, 'family')).map(name => `family/${name}`)]
    .filter(name => fs.existsSync(path.join(data, name, 'model.th'))
    || fs.existsSync(path.join(data, name, 'model.safetensors')));
for (const name of models)
    test(`model ${name}`, async t => {
        const file = ['model.th', 'model.safetensors'].map(f => path.join(data, name, f)).find(f => fs.existsSync(f));
        let d;
        try {
            d = await Demucs.open({ model: file, threads: 2 });
        } catch (error) {
            assert.ok(error instanceof DemucsError && error.code !== 'worker', error.message);
            const song = writeWav(path.join(scratch, 'x.wav'), noise(2, 100), 44100);
            assert.throws(() => native(song, file), undefined, error.message);
            return t.skip(error.message);
        }
        const planes = noise(d.channels, Math.round(1.3 * d.segment) + 17, 3);
        const song = writeWav(path.join(scratch, `${path.basename(name)}.wav`), planes, d.sampleRate);
        const worst = close(await collect(d.separate(planes)), native(song, file));
        t.diagnostic(`difference ${worst} of the peak`);
        d.close();
    });
