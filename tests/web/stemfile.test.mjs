// DJ stem files of the studio: Apple Lossless to the bit, AAC to the sample, as
// ffmpeg and the program read them; saved as a download and into a picked file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { close, data, demoModel, demoPlanes, DEMUCS_ONNX, load, native, noise, openStudio, scratch, SOURCE, watch, wavOf, WEB, writeWav } from './helpers.mjs';

const module = (...parts) => import(pathToFileURL(path.join(...parts)));
const { launch } = await module(SOURCE, 'web/tools/chromium.mjs');
const { serve } = await module(SOURCE, 'web/tools/serve.mjs');
const { stemBox, stemCodec, stemFileBytes, stemsOf } = await module(WEB, 'studio/stem-file.js');
const { alacEntry, Mp4 } = await module(WEB, 'studio/mp4.js');
const { wavSamples } = await load('lib/wav.js');

const RATE = 44100, PATIENCE = 240000, NAMES = ['drums', 'bass', 'other', 'vocals'];
const run = (program, ...given) => execFileSync(program, given, { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
// The samples of all tracks.
function decoded(file) {
    const out = [0, 1, 2, 3, 4].map(i => path.join(scratch, `${i}.s16`));
    run('ffmpeg', '-v', 'error', '-xerror', '-y', '-i', file, ...out.flatMap((name, i) => ['-map', `0:a:${i}`, '-f', 's16le', name]));
    return out.map(name => fs.readFileSync(name));
}

function same(file, wanted, what = '') {
    decoded(file).forEach((bytes, i) => assert.ok(bytes.equals(wanted[i]), `track ${i} ${what}`));
}

const shown = (file, ...what) => run('ffprobe', '-v', 'error', '-of', 'csv=p=0', ...what, file).toString().trim().split('\n');

function gainOf(tracks) {
    let peak = 0;
    tracks.flat().forEach(plane => plane.forEach(x => { peak = Math.max(peak, Math.abs(x)); }));
    return 1 / Math.max(1.01 * peak, 1);
}

// Five tracks as they should be: 16 bits, one factor for all.
function inSixteen(tracks) {
    const gain = gainOf(tracks);
    return tracks.map(planes => Buffer.from(wavSamples(gain === 1 ? planes : planes.map(p => p.map(x => x * gain)), 16)));
}

async function written(file, tracks, stems = NAMES) {
    const read = (list, from, to) => list.map(t => tracks[t].map(p => p.slice(from, to))), blocks = [];
    const codec = await stemCodec(RATE);
    for await (const block of stemFileBytes({ sampleRate: RATE, frames: tracks[0][0].length, stems, store: { read } }, codec))
        block.head ? blocks[0] = block.head : blocks.push(block);
    fs.writeFileSync(file, Buffer.concat(blocks));
    return codec.name;
}

// ------------------------------------------------------------ Apple Lossless

const SIGNALS = {
    silence: () => 0, full: i => i & 1 ? 1 : -1, square: i => i >> 5 & 1 ? 0.99 : -0.99, sine: i => 0.9 * Math.sin(0.05 * i),
    clicks: i => i % 1000 ? 0 : i % 2000 ? 0.99 : -1, rare: i => i % 3000 === 1500 ? 0.98 : 0, steps: i => Math.floor(i / 700) % 3 / 32768,
    loud: (i, noise) => Math.max(-1, Math.min(1, 3 * noise[i])), soft: (i, noise) => Math.round(noise[i]) / 32768, dither: (i, noise) => noise[i] / 16384 };

const signal = (name, n, hiss) => Float32Array.from({ length: n }, (_, i) => SIGNALS[name](i, hiss));

test('Apple Lossless: any samples, to the bit', async () => {
    const names = Object.keys(SIGNALS), file = path.join(scratch, 'any.stem.mp4');
    for (const n of [9, 4096, 4097, 20000]) {
        const hiss = noise(1, n, n)[0];
        for (let first = 0; first < names.length; first += 5) {
            const tracks = names.slice(first, first + 5).map((name, i) =>
                [signal(name, n, hiss), signal(names[(3 * i + n) % names.length], n, hiss)]);
            assert.equal(await written(file, tracks), 'Apple Lossless, 16 bits');
            same(file, inSixteen(tracks), `of ${n} frames, from ${names[first]}`);
        }
    }
});

test('what is smooth gets small, what is not hardly grows', async () => {
    const n = 100000, file = path.join(scratch, 'size.stem.mp4');
    const part = async planes => {
        await written(file, Array(5).fill(planes));
        return fs.statSync(file).size / (5 * 4 * n);
    };
    assert.ok(await part([signal('sine', n), signal('sine', n)]) < 0.15);
    assert.ok(await part([signal('silence', n), signal('silence', n)]) < 0.01);
    assert.ok(await part(noise(2, n).map(p => p.map(x => 2 * x))) < 1.01);
});

test('a mono song', async () => {
    const mono = [0, 1, 2, 3, 4].map(i => [noise(1, 9000, i)[0]]), file = path.join(scratch, 'mono.stem.mp4');
    await written(file, mono);
    same(file, inSixteen(mono.map(([plane]) => [plane, plane])));
});

test('more than 4 GB: offsets and sizes of 64 bits', () => {
    const file = new Mp4({ tracks: 1, frames: 3 * 4096, sampleRate: RATE }), part = 2 ** 31, start = file.head().length;
    for (let i = 0; i < 3; i++)
        file.place(0, [{ length: part }]);
    const index = Buffer.from(file.index([{ name: 'mix', codec: { entry: alacEntry(new Uint8Array(24), RATE), frame: 4096, priming: 0 } }]));
    const at = index.indexOf('co64'), head = Buffer.from(file.head());
    assert.equal(index.readUInt32BE(at + 8), 3);
    assert.deepEqual([0, 1, 2].map(i => Number(index.readBigUInt64BE(at + 12 + 8 * i))), [start, start + part, start + 2 * part]);
    assert.equal(head.length, start);
    assert.equal(head.readUInt32BE(28), 1);
    assert.equal(Number(head.readBigUInt64BE(36)), 3 * part + 16);
});

test('which four stems', () => {
    const text = names => stemsOf(names)?.map(s => `${s.name}:${s.tracks}`);
    assert.deepEqual(text(NAMES), ['drums:1', 'bass:2', 'other:3', 'vocals:4']);
    assert.deepEqual(text(['drums', 'bass', 'other', 'vocals', 'guitar', 'piano']), ['drums:1', 'bass:2', 'other+guitar+piano:3,5,6', 'vocals:4']);
    assert.equal(text(['vocals', 'other']), undefined);
});

test('a sum is what its stems sum to', async () => {
    const stems = ['drums', 'bass', 'other', 'vocals', 'guitar', 'piano'], n = 5000;
    const tracks = Array.from({ length: 7 }, (_, i) => noise(2, n, i + 1)), file = path.join(scratch, 'six.stem.mp4');
    await written(file, tracks, stems);
    const sum = [0, 1].map(c => tracks[3][c].map((x, i) => Math.fround(x + tracks[5][c][i] + tracks[6][c][i])));
    same(file, inSixteen([tracks[0], tracks[1], tracks[2], sum, tracks[4]]));
});

// ------------------------------------------------------------------ the page

const PICKER = () => {
    Object.defineProperty(navigator, 'webdriver', { value: false });
    window.showSaveFilePicker = async ({ suggestedName }) => {
        const folder = await navigator.storage.getDirectory();
        window.picked = await folder.getFileHandle(suggestedName, { create: true });
        return window.brokenDisk ? { createWritable: async () => ({ write: async () => { throw new Error('the disk is full'); },
            abort: async () => { window.aborted = true; } }) } : window.picked;
    };
};

// An encoder with the browser's interface and ffmpeg's packets.
const ENCODER = () => {
    window.AudioEncoder = class {
        static async isConfigSupported(config) {
            return { supported: config.codec === 'mp4a.40.2' && config.bitrate <= 200000 };
        }
        state = 'unconfigured'; encodeQueueSize = 0; pieces = [];
        constructor(on) { this.on = on; }
        configure(config) { this.config = config; this.state = 'configured'; }
        encode(data) {
            const planes = [0, 1].map(planeIndex => {
                const plane = new Float32Array(data.numberOfFrames);
                data.copyTo(plane, { planeIndex });
                return plane;
            });
            this.pieces.push(Float32Array.from({ length: 2 * data.numberOfFrames }, (_, i) => planes[i & 1][i >> 1]));
        }
        async flush() {
            const bytes = new Uint8Array(await new Blob(this.pieces).arrayBuffer());
            const packets = await window.encodeAac(bytes.toBase64(), this.config.bitrate);
            packets.forEach((text, i) => this.on.output(new EncodedAudioChunk({ type: 'key', timestamp: i * 23220, data: Uint8Array.fromBase64(text) }),
                i === 0 ? { decoderConfig: { description: new Uint8Array([0x12, 0x10]) } } : {}));
        }
        close() { this.state = 'closed'; }
    };
};

function encodeAac(base64, bitrate) {
    const file = path.join(scratch, 'aac.f32');
    fs.writeFileSync(file, Buffer.from(base64, 'base64'));
    const stream = run('ffmpeg', '-v', 'error', '-f', 'f32le', '-ar', String(RATE), '-ac', '2', '-i', file, '-b:a', String(bitrate), '-f', 'adts', '-');
    const packets = [];
    for (let at = 0; at < stream.length;) {
        const size = (stream[at + 3] & 3) << 11 | stream[at + 4] << 3 | stream[at + 5] >> 5;
        packets.push(stream.subarray(at + 7, at + size).toString('base64'));
        at += size;
    }
    return packets;
}

const problems = [];
let server, browser, page, tracks, song;

async function visit(...scripts) {
    const p = await browser.context.newPage();
    p.setDefaultTimeout(PATIENCE);
    for (const script of scripts)
        await p.addInitScript(script);
    watch(p, problems);
    if (scripts.includes(ENCODER))
        await p.exposeFunction('encodeAac', encodeAac);
    await openStudio(p, server);
    await p.setInputFiles('#song', song);
    return p;
}

const until = (p, id, text) => p.waitForFunction(([element, wanted]) =>
    document.querySelector(element).textContent.includes(wanted), [id, text]);

async function separated(...scripts) {
    const p = await visit(...scripts);
    await p.click('#separate');
    await until(p, '#stem-file-note', 'DJ stem file');
    return p;
}

// What the page puts into the file that was picked.
async function picked(button, name) {
    await page.click(button);
    await until(page, '#saved', 'Saved.');
    const { name: given, base64 } = await page.evaluate(async () => ({ name: window.picked.name,
        base64: (await (await window.picked.getFile()).bytes()).toBase64() }));
    assert.equal(given, name);
    const file = path.join(scratch, `picked ${name}`);
    fs.writeFileSync(file, Buffer.from(base64, 'base64'));
    return file;
}

before(async () => {
    server = await serve({ '/': WEB });
    browser = await launch();
    song = writeWav(path.join(scratch, 'song.wav'), demoPlanes().map(p => p.slice(50000, 150000)), RATE, 16);
});

after(async () => {
    await browser?.close();
    server?.close();
});

function checkBoxes(file, codec) {
    const n = tracks[0][0].length;
    assert.equal(run('ffprobe', '-v', 'warning', file).toString(), '');
    assert.deepEqual(shown(file, '-show_entries', 'stream=codec_name,sample_rate,channels,start_pts,duration_ts'),
        Array(5).fill(`${codec},${RATE},2,0,${n}`));
    assert.deepEqual(shown(file, '-show_entries', 'stream_disposition=default'), ['1', '0', '0', '0', '0']);
    assert.deepEqual(shown(file, '-show_entries', 'stream_tags=handler_name'), ['mix', ...NAMES]);
    const bytes = fs.readFileSync(file), box = Buffer.from(stemBox(NAMES));
    assert.ok(bytes.subarray(-box.length).equals(box), 'the box of the names is not the last');
    return box;
}

test('saved: the mix and the stems, to the bit', async () => {
    page = await separated(PICKER);
    assert.equal(await page.textContent('#stem-file-note'),
        'The DJ stem file (.stem.mp4) has the mix and drums, bass, other, vocals; Apple Lossless, 16 bits.');
    await page.selectOption('#bits', '32');
    tracks = [wavOf(song).planes];
    for (const name of NAMES)
        tracks.push(wavOf(await picked(`[aria-label="save ${name}"]`, `song ${name}.wav`)).planes);
    const file = await picked('#save-stem-file', 'song.stem.mp4');
    checkBoxes(file, 'alac');
    same(file, inSixteen(tracks));
});

test('the program writes the same names, and reads the file', () => {
    const own = path.join(scratch, 'own'), file = path.join(scratch, 'picked song.stem.mp4');
    run(DEMUCS_ONNX, 'separate', song, '-m', demoModel, '-o', own, '-q', '--stem-mp4', '--filename', '{track}.{ext}');
    checkBoxes(path.join(own, 'song.stem.mp4'), 'aac');
    const bass = path.join(scratch, 'bass.wav');
    assert.equal(gainOf(tracks), 1); // else it would have to be taken back below
    writeWav(bass, tracks[2], RATE, 16);
    close(native(file, demoModel, ['--stream', '3']), native(bass, demoModel), 0);
});

test('a full disk while it is written', async () => {
    await page.evaluate(() => { window.brokenDisk = true; });
    await page.click('#save-stem-file');
    await until(page, '#saved', 'Not saved: the disk is full');
    assert.equal(await page.evaluate(() => window.aborted), true);
    await page.close();
});

test('a browser that encodes AAC: gapless, where it belongs', async t => {
    const p = await separated(ENCODER);
    assert.match(await p.textContent('#stem-file-note'), /; AAC, 192 kbit\/s\.$/);
    const saved = p.waitForEvent('download');
    await p.click('#save-stem-file');
    const download = await saved, file = await download.path();
    assert.equal(download.suggestedFilename(), 'song.stem.mp4');
    checkBoxes(file, 'aac');
    const sounds = decoded(file);
    tracks.forEach((planes, i) => {
        const got = new Int16Array(Uint8Array.from(sounds[i]).buffer);
        const likeness = shift => {
            let signal = 0, error = 0;
            planes.forEach((plane, c) => plane.slice(1, -1).forEach((x, k) => {
                signal += x * x;
                error += (got[2 * (k + 1 + shift) + c] / 32768 - x) ** 2;
            }));
            return 10 * Math.log10(signal / error);
        };
        const [before, there, after] = [-1, 0, 1].map(likeness);
        t.diagnostic(`track ${i}: ${there.toFixed(1)} dB, a frame off ${before.toFixed(1)} and ${after.toFixed(1)}`);
        assert.ok(there > 12 && there > Math.max(before, after), `track ${i}: ${there} dB`);
    });
    await p.close();
});

test('two stems are no stem file', async () => {
    const p = await visit();
    await p.setInputFiles('#checkpoint', path.join(data, 'mono_two_stems/model.th'));
    await p.click('#separate');
    await until(p, '#stem-file-note', 'four stems');
    assert.equal(await p.isDisabled('#save-stem-file'), true);
    await p.close();
    assert.deepEqual(problems, []);
});
