// Reduced precision in Node: kernels against exact integer arithmetic, stems
// against the native program, the proof and where it is kept.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { WASI } from 'node:wasi';
import { close, collect, data, demoModel, demoPlanes, demoSong, load, native, noise, scratch, WEB, writeWav } from './helpers.mjs';

const { Demucs } = await load('node.js');
const { hasRelaxedSimd, hasRightDot } = await load('lib/features.js');
const wrongDot = hasRelaxedSimd() && !hasRightDot();

const BOTH = ['int16', 'int8'];
const cache = path.join(scratch, 'proofs');

// Signal to noise of the worst stem, dB.
function snr(got, wanted) {
    return Math.min(...Object.keys(wanted).map(name => {
        let signal = 0, error = 0;
        wanted[name].forEach((plane, c) => plane.forEach((x, i) => {
            signal += x * x;
            error += (x - got[name][c][i]) ** 2;
        }));
        return 10 * Math.log10(signal / error);
    }));
}

async function open(options) {
    const stages = new Set(), warnings = [];
    const d = await Demucs.open({ model: demoModel, threads: 2, cache,
        onProgress: (fraction, stage) => {
            assert.ok(fraction >= 0 && fraction <= 1);
            stages.add(stage);
        },
        onWarning: message => warnings.push(message), ...options });
    return Object.assign(d, { proved: stages.has('prove'), warnings });
}

for (const variant of hasRelaxedSimd() ? ['simd', 'relaxed'] : ['simd'])
    test(`kernels of ${variant} against exact integer arithmetic`, {
        skip: variant === 'relaxed' && wrongDot && 'this engine has the dot product wrong',
    }, async () => {
        const file = path.join(WEB, 'module', variant, 'narrow_test.wasm');
        const wasi = new WASI({ version: 'preview1', returnOnExit: true });
        const module = await WebAssembly.compile(fs.readFileSync(file));
        assert.equal(wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject())), 0);
    });

// Float32 sums differ in their last bits between processors, so some data are
// rounded to the other neighbour, and all roundings after them differ: errors
// are as large as the native program's, but not the same.
for (const model of ['demo', 'htdemucs', 'hdemucs'].filter(m => fs.existsSync(path.join(data, m))))
    for (const precision of BOTH)
        test(`${model} in ${precision}: what is promised, and as the program`, async t => {
            const file = model === 'demo' ? demoModel : path.join(data, model, 'model.th');
            const d = await open({ model: file, precision, integers: BOTH });
            const [report] = d.precision;
            assert.deepEqual([d.precision.length, report.precision, report.exact, report.note], [1, precision, false, undefined]);
            assert.equal(report.promised, precision === 'int16' ? 60 : 45);
            assert.ok(report.decibels >= report.promised + 4);
            assert.ok(Object.values(report.layers).includes(wrongDot ? 'int16' : precision));
            assert.ok(!wrongDot || !Object.values(report.layers).includes('int8'));
            const planes = model === 'demo' ? demoPlanes() : noise(d.channels, Math.round(1.3 * d.segment) + 17, 3);
            const song = model === 'demo' ? demoSong : writeWav(path.join(scratch, 'song.wav'), planes, d.sampleRate);
            const exact = native(song, file), got = await collect(d.separate(planes));
            const mine = snr(got, exact);
            const its = snr(native(song, file, ['--precision', precision, '--cache-dir', cache]), exact);
            t.diagnostic(`${mine.toFixed(1)} dB, the program ${its.toFixed(1)}; proved ${report.decibels.toFixed(1)}`);
            assert.ok(mine >= report.promised);
            const bits = precision === 'int8' && hasRelaxedSimd() ? 7.5 : 2; // data of 7 bits
            if (its < 100) // else the program's processor gains nothing
                assert.ok(mine >= its - bits, `${mine} dB, the program ${its}`);
            const alone = await open({ model: file, precision, integers: BOTH, threads: 1 });
            assert.equal(alone.proved, false);
            close(await collect(alone.separate(planes)), got, 0);
            d.close();
            alone.close();
        });

test('what gains is measured', async t => {
    const d = await open({ precision: 'int8', cache: false });
    const [{ layers, exact, note }] = d.precision;
    t.diagnostic(JSON.stringify(layers));
    assert.equal(exact, Object.values(layers).every(number => number === 'float32'));
    assert.equal(exact, note !== undefined);
    const rates = await d.measure({ rounds: 2e6, repeats: 64 });
    assert.ok(['fma', 'product', ...BOTH].every(key => rates[key] > 0), JSON.stringify(rates));
    d.close();
});

test('int8 is int16 where that is as fast', async () => {
    const d = await open({ precision: 'int8', integers: ['int16'], cache: false });
    assert.ok(d.proved);
    assert.deepEqual(new Set(Object.values(d.precision[0].layers)), new Set(['int16']));
    d.close();
});

test('nothing is gained: exact, with the reason', async () => {
    const planes = noise(2, 60000), exact = await open({});
    assert.deepEqual(exact.precision, []);
    const d = await open({ precision: 'int16', integers: [] });
    assert.equal(d.proved, false);
    assert.equal(d.precision[0].exact, true);
    assert.equal(d.precision[0].decibels, Infinity);
    assert.deepEqual(d.warnings, [`${path.basename(demoModel)}: int16: this processor gains nothing from integers; exact`]);
    close(await collect(d.separate(planes)), await collect(exact.separate(planes)), 0);
    d.close();
    exact.close();
});

test('the proof is kept, and made again when its file is damaged', async () => {
    const folder = path.join(scratch, 'kept'), options = { precision: 'int16', integers: ['int16'], cache: folder };
    const first = await open(options);
    const [name, ...more] = fs.readdirSync(path.join(folder, 'precision'));
    assert.deepEqual([first.proved, more], [true, []]);
    assert.match(name, /^[0-9a-f]{16}-[0-9a-f]{16}\.json$/);
    const file = path.join(folder, 'precision', name), text = fs.readFileSync(file, 'utf8');
    const second = await open(options);
    assert.equal(second.proved, false);
    assert.deepEqual(second.precision, first.precision);
    for (const damaged of [text.slice(0, 100), 'x'.repeat(70000),
        text.replace(/"snr_db":\s*[\d.]+/, '"snr_db": 3'), text.replace(/"attention":\s*"int16"/, '"attention": "int4"')]) {
        assert.notEqual(damaged, text);
        fs.writeFileSync(file, damaged);
        const again = await open(options);
        assert.ok(again.proved, damaged.slice(0, 200));
        assert.deepEqual(again.precision, first.precision);
        assert.equal(fs.readFileSync(file, 'utf8'), text);
        again.close();
    }
    const none = await open({ ...options, cache: false });
    assert.ok(none.proved);
    [first, second, none].forEach(d => d.close());
});

test('a cache that can\'t be written is a warning', async () => {
    const folder = path.join(scratch, 'a file');
    fs.writeFileSync(folder, '');
    const d = await open({ precision: 'int16', integers: ['int16'], cache: folder });
    assert.equal(d.precision[0].exact, false);
    assert.match(d.warnings.join(), /what was proved can't be kept .*; it will be proved again next time/);
    d.close();
});

test('a bag, another segment, low memory', async () => {
    const planes = noise(2, 90000, 5), files = ['a', 'b'].map(name => path.join(scratch, `${name}.th`));
    files.forEach(file => fs.copyFileSync(demoModel, file));
    const options = { precision: 'int16', integers: BOTH, cache: false };
    const bag = await open({ ...options, model: { models: files } });
    assert.deepEqual(bag.precision.map(p => p.model), ['a.th', 'b.th']);
    const one = await open({ ...options, lowMemory: true }), exact = await open({});
    const wanted = await collect(exact.separate(planes, { segment: 1.2 }));
    for (const d of [bag, one])
        assert.ok(snr(await collect(d.separate(planes, { segment: 1.2 })), wanted) > 60);
    [bag, one, exact].forEach(d => d.close());
});

test('cancelled in the proof', async () => {
    const controller = new AbortController();
    await assert.rejects(open({ precision: 'int16', integers: BOTH, cache: false, signal: controller.signal,
        onProgress: (fraction, stage) => stage === 'prove' && controller.abort() }), { name: 'AbortError' });
});

test('mistakes', async () => {
    for (const precision of ['int4', '', 16, null])
        await assert.rejects(open({ precision }), { code: 'argument', message: /'precision' must be exact, int16 or int8/ });
    for (const integers of ['int16', ['float32'], ['exact'], [7], {}])
        await assert.rejects(open({ precision: 'int16', integers }), { code: 'argument', message: /'integers' must be a list of int16 and int8/ });
});
