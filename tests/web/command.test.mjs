// The npm package as others get it: packed, installed offline into an empty
// project, its command run; WAV and FLAC; resampling.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { before } from 'node:test';
import { close, data, demoModel, demoSong, DEMUCS_ONNX, installPackage, load, native, noise, scratch, wavOf, WEB, writeWav } from './helpers.mjs';

const { readFlac } = await load('lib/flac.js');
const { readWav, wavHeader, wavSamples } = await load('lib/wav.js');
const { resample, framesAt } = await load('lib/resample.js');

const project = path.join(scratch, 'project');
const tool = path.join(project, 'node_modules/.bin/demucs-onnx');

before(() => {
    const size = installPackage(project);
    assert.ok(size <= 1.5e6, `the package has ${size} bytes`);
});

function command(args, options = {}) {
    const r = spawnSync(tool, args, { cwd: project, encoding: 'utf8', ...options });
    return { code: r.status, out: r.stdout, err: r.stderr };
}

const stemsIn = folder => Object.fromEntries(fs.readdirSync(folder).map(
    file => [path.basename(file, '.wav'), wavOf(path.join(folder, file)).planes]));

test('the installed package separates in a program', () => {
    fs.writeFileSync(path.join(project, 'main.js'), `
        import { Demucs } from 'demucs-onnx';
        const demucs = await Demucs.open({ model: process.argv[2] });
        let frames = 0;
        for await (const part of demucs.separate([new Float32Array(50000)]))
            frames += part.frames;
        console.log(demucs.sources.join(), frames);
        demucs.close();`);
    const out = execFileSync('node', ['main.js', demoModel], { cwd: project, encoding: 'utf8' });
    assert.equal(out, 'drums,bass,other,vocals 50000\n');
});

test('a FLAC file into float32 WAV, as the program', () => {
    const r = command(['separate', demoSong, '-m', demoModel, '-o', 'out', '--float32', '--stems=vocals,bass']);
    assert.deepEqual([r.code, r.err], [0, '']);
    assert.deepEqual(r.out.trim().split('\n'), ['out/song/bass.wav', 'out/song/vocals.wav']);
    close(stemsIn(path.join(project, 'out/song')), native(demoSong, demoModel, ['--stems', 'vocals,bass']));
    const again = command(['separate', demoSong, '-m', demoModel, '-o', 'out', '--float32', '--stem', 'bass']);
    assert.equal(again.code, 1);
    assert.match(again.err, /bass\.wav exists; give --overwrite/);
});

test('a precision by name', () => {
    const r = command(['separate', demoSong, '-m', demoModel, '-o', 'int16', '--float32', '--stem', 'bass',
        '--precision', 'int16', '--cache-dir', 'proofs']);
    assert.equal(r.code, 0, r.err);
    const { bass } = stemsIn(path.join(project, 'int16/song'));
    close({ bass }, native(demoSong, demoModel, ['--stem', 'bass']), 2e-3);
    const wrong = command(['separate', demoSong, '-m', demoModel, '--precision=int7']);
    assert.deepEqual([wrong.code, wrong.err], [2, "demucs-onnx: --precision: 'int7' is none; there are exact, int16, int8\n"]);
});

test('16 and 24 bits, rescaled as the program does', () => {
    for (const [flag, step] of [[[], 2 ** -15], [['--int24'], 2 ** -23]]) {
        const r = command(['separate', demoSong, '-m', demoModel, '-o', 'bits', '--overwrite', ...flag]);
        assert.equal(r.code, 0, r.err);
        const out = path.join(scratch, 'native-bits');
        execFileSync(DEMUCS_ONNX, ['separate', demoSong, '-m', demoModel, '-o', out, '-q', '--overwrite', ...flag]);
        const wanted = stemsIn(path.join(out, 'song'));
        for (const [name, planes] of Object.entries(stemsIn(path.join(project, 'bits/song'))))
            planes.forEach((plane, c) => plane.forEach((x, i) =>
                assert.ok(Math.abs(x - wanted[name][c][i]) <= 1.01 * step + 5e-6)));
    }
});

test('another sample rate comes back as it went in', () => {
    const rate = 48000, frames = 60001;
    const tone = Float32Array.from({ length: frames }, (_, i) => 0.4 * Math.sin(i * 0.05) * Math.sin(Math.PI * i / frames));
    const song = writeWav(path.join(scratch, 'rate.wav'), [tone, tone], rate);
    const r = command(['separate', song, '-m', demoModel, '-o', 'rate', '--float32', '--exact-sum']);
    assert.equal(r.code, 0, r.err);
    const stems = Object.values(stemsIn(path.join(project, 'rate/rate')));
    assert.equal(stems[0][0].length, frames);
    let most = 0;
    for (let i = 1000; i < frames - 1000; i++)
        most = Math.max(most, Math.abs(stems.reduce((s, planes) => s + planes[0][i], 0) - tone[i]));
    assert.ok(most < 1e-4, `the sum is off by ${most}`);
});

test('the resampler passes tones below the edge and stops those above', () => {
    for (const [from, to] of [[48000, 44100], [44100, 48000], [96000, 44100], [22050, 44100], [44056, 44100]]) {
        const tone = (hz, rate, n) => Float32Array.from({ length: n }, (_, i) => Math.sin(2 * Math.PI * hz * i / rate));
        const out = framesAt(6000, from, to), low = Math.min(from, to);
        for (const hz of [100, 0.2 * low, 0.4 * low, 0.45 * low]) {
            const got = resample(tone(hz, from, 6000), from, to), wanted = tone(hz, to, out);
            let most = 0;
            for (let i = 600; i < out - 600; i++)
                most = Math.max(most, Math.abs(got[i] - wanted[i]));
            assert.ok(most < 2e-4, `${hz} Hz from ${from} to ${to}: ${most}`);
        }
        if (to < from) {
            const stopped = resample(tone(0.55 * to, from, 6000), from, to).subarray(600, out - 600);
            assert.ok(stopped.every(x => Math.abs(x) < 1e-4), `${from} to ${to} lets through what it should stop`);
        }
    }
});

test('mistakes: one line, exit codes, nothing left behind', () => {
    const fails = (args, code, message) => {
        const r = command(args);
        assert.equal(r.code, code, r.err);
        assert.match(r.err, message);
        assert.equal(r.err.trim().split('\n').length, 1);
    };
    fails(['separate'], 2, /no song is given/);
    fails(['separate', '--banjo'], 2, /unknown option '--banjo'/);
    fails(['separate', 'x', '--overlap', 'much'], 2, /not a number/);
    fails(['separate', 'x', '--exact-sum'], 2, /needs --float32/);
    fails(['export'], 2, /unknown command/);
    fails(['separate', '/nowhere.wav', '-m', demoModel], 1, /no such file/);
    fails(['separate', demoModel, '-m', demoModel], 1, /neither WAV nor FLAC/);
    fails(['separate', demoSong, '-m', demoModel, '--stem', 'banjo'], 1, /it has drums, bass, other, vocals/);
    const cut = path.join(scratch, 'cut.flac');
    fs.writeFileSync(cut, fs.readFileSync(demoSong).subarray(0, 100000));
    fails(['separate', cut, '-m', demoModel, '-o', 'cut'], 1, /cut\.flac: FLAC: the file ends/);
    assert.ok(!fs.existsSync(path.join(project, 'cut')));
    assert.equal(command(['--version']).code, 0);
    assert.match(command(['separate', '--help']).out, /usage: demucs-onnx separate/);
});

test('a Node without SIMD: one line', () => {
    const old = path.join(scratch, 'old.cjs');
    fs.writeFileSync(old, 'WebAssembly.validate = () => false;');
    const r = command(['separate', demoSong, '-m', demoModel, '-o', 'nothing'],
        { env: { ...process.env, NODE_OPTIONS: `--require ${old}` } });
    assert.equal(r.code, 1);
    assert.match(r.err, /^demucs-onnx: .*WebAssembly has no SIMD.*\n$/);
    assert.ok(!fs.existsSync(path.join(project, 'nothing')));
});

test('interrupted: 130, and no files', async () => {
    const child = spawn(tool, ['separate', demoSong, '-m', demoModel, '-o', 'stopped', '--shifts', '50'], { cwd: project });
    const folder = path.join(project, 'stopped/song');
    while (!fs.existsSync(folder) && child.exitCode === null)
        await new Promise(done => setTimeout(done, 50));
    child.kill('SIGINT');
    const code = await new Promise(done => child.on('exit', done));
    assert.equal(code, 130);
    assert.deepEqual(fs.readdirSync(folder), []);
});

test('FLAC against another decoder, every kind in the test data', async t => {
    const files = [demoSong, ...fs.readdirSync(path.join(data, 'demo')).filter(f => f.endsWith('.flac')).map(f => path.join(data, 'demo', f)),
        ...fs.readdirSync(path.join(data, 'audio')).filter(f => f.endsWith('.flac')).map(f => path.join(data, 'audio', f))];
    const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
    if (!ffmpeg)
        t.diagnostic('no ffmpeg: read only');
    for (const file of files) {
        const got = readFlac(new Uint8Array(fs.readFileSync(file)));
        if (!ffmpeg)
            continue;
        const wav = path.join(scratch, 'flac.wav');
        execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', file, '-f', 'wav', '-c:a', 'pcm_s24le', wav]);
        const wanted = wavOf(wav);
        assert.equal(got.sampleRate, wanted.sampleRate);
        close({ x: got.planes }, { x: wanted.planes }, 0);
    }
});

test('FLAC of all widths, channels and levels, and damaged', async t => {
    if (spawnSync('ffmpeg', ['-version']).status !== 0)
        return t.skip('no ffmpeg to encode with');
    for (const [channels, bits, level] of [[1, 16, 0], [2, 16, 5], [2, 24, 12], [3, 24, 8], [6, 16, 12], [2, 16, 12]]) {
        const planes = noise(channels, 20000, bits).map((p, c) => p.map((x, i) => 0.2 * x + 0.5 * Math.sin(i * (0.01 + 0.003 * c))));
        const wav = path.join(scratch, 'in.wav'), flac = path.join(scratch, 'in.flac');
        writeWav(wav, planes, 44100, bits);
        execFileSync('ffmpeg', ['-v', 'fatal', '-y', '-i', wav, '-compression_level', String(level),
            ...bits === 24 ? ['-sample_fmt', 's32', '-bits_per_raw_sample', '24'] : ['-sample_fmt', 's16'], flac]);
        const bytes = new Uint8Array(fs.readFileSync(flac)), got = readFlac(bytes);
        assert.equal(got.bits, bits);
        close({ x: got.planes }, { x: wavOf(wav).planes }, 0);
        for (let i = 0; i < 40; i++) {
            const damaged = bytes.slice();
            damaged[Math.floor((i + 0.5) * bytes.length / 40)] ^= 1 << i % 8;
            try {
                readFlac(damaged);
            } catch (error) {
                assert.equal(error.name, 'DemucsError', String(error.stack));
            }
            assert.throws(() => readFlac(bytes.subarray(0, Math.floor(bytes.length * i / 41))), { name: 'DemucsError' });
        }
    }
});

test('WAV of all widths, cut off and damaged', () => {
    const planes = noise(2, 1000);
    for (const bits of [16, 24, 32]) {
        const bytes = Buffer.concat([wavHeader({ sampleRate: 44100, channels: 2, frames: 1000, bits }), wavSamples(planes, bits)]);
        const got = readWav(new Uint8Array(bytes));
        planes.forEach((plane, c) => plane.forEach((x, i) =>
            assert.ok(Math.abs(got.planes[c][i] - x) <= (bits === 32 ? 0 : 2 ** -bits * 1.001))));
        for (let i = 0; i < 60; i++) {
            const damaged = new Uint8Array(bytes);
            damaged[i] ^= 0x55;
            for (const tried of [damaged, new Uint8Array(bytes.subarray(0, i))])
                try {
                    readWav(tried);
                } catch (error) {
                    assert.equal(error.name, 'DemucsError', String(error.stack));
                }
        }
    }
});
