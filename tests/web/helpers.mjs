// Shared by the tests of the browser's part. Environment: WEB, the built folder
// (package, studio); DEMUCS_ONNX, the native program; SOURCE, the repository.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const { WEB, DEMUCS_ONNX, SOURCE } = process.env;
export const data = path.join(SOURCE, 'tests/data');
export const demoModel = path.join(data, 'demo/htdemucs_tiny-87685527.th');
export const demoSong = path.join(data, 'demo/song.flac');
export const PROMISED = 5e-6; // of a stem's peak, against the native engine

export const load = file => import(pathToFileURL(path.join(WEB, 'package', file)));
const { readWav, wavHeader, wavSamples } = await load('lib/wav.js');

export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'demucs-web-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));

// An empty project with the package as others get it: packed, installed without a
// network. Returns the packed file's size.
export function installPackage(project) {
    const npm = (args, cwd) => execFileSync('npm', [...args, '--offline', '--loglevel=error'], { cwd, encoding: 'utf8' });
    const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', scratch], path.join(WEB, 'package')));
    fs.mkdirSync(project);
    fs.writeFileSync(path.join(project, 'package.json'), '{"private": true, "type": "module"}');
    npm(['install', '--no-audit', '--no-fund', path.join(scratch, packed.filename)], project);
    return packed.size;
}

export function writeWav(file, planes, sampleRate, bits = 32) {
    const header = wavHeader({ sampleRate, channels: planes.length, frames: planes[0].length, bits });
    fs.writeFileSync(file, Buffer.concat([header, wavSamples(planes, bits)]));
    return file;
}

export const wavOf = file => readWav(new Uint8Array(fs.readFileSync(file)));

// Stems of the native program, { name: planes }, unscaled float32.
export function native(song, model, options = []) {
    const out = fs.mkdtempSync(path.join(scratch, 'native-'));
    execFileSync(DEMUCS_ONNX, ['separate', song, '-m', model, '-o', out, '-q',
        '--engine', 'native', '--float32', '--clip-mode', 'none',
        '--filename', '{stem}.{ext}', ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    return Object.fromEntries(fs.readdirSync(out).map(
        file => [path.basename(file, '.wav'), wavOf(path.join(out, file)).planes]));
}

// The demo song's samples, decoded by the native program.
let song;
export function demoPlanes() {
    if (song === undefined) {
        const stems = native(demoSong, demoModel, ['--exact-sum']);
        const names = Object.keys(stems);
        song = stems[names[0]].map((plane, c) => {
            const sum = new Float32Array(plane.length);
            for (let i = 0; i < sum.length; i++)
                sum[i] = Math.round(names.reduce((s, n) => s + stems[n][c][i], 0) * 32768) / 32768;
            return sum;
        });
    }
    return song;
}

// All parts of a separation, put together.
export async function collect(parts) {
    const stems = {};
    let frames = 0;
    for await (const part of parts) {
        assert.equal(part.start, frames);
        frames += part.frames;
        for (const [name, planes] of Object.entries(part.stems))
            planes.forEach((plane, c) => ((stems[name] ??= [])[c] ??= []).push(plane));
    }
    for (const name of Object.keys(stems))
        stems[name] = stems[name].map(pieces => {
            const all = new Float32Array(frames);
            let at = 0;
            for (const piece of pieces) {
                all.set(piece, at);
                at += piece.length;
            }
            return all;
        });
    return stems;
}

// The largest difference, as a part of each stem's peak.
export function difference(got, wanted) {
    assert.deepEqual(Object.keys(got).sort(), Object.keys(wanted).sort());
    let worst = 0;
    for (const [name, planes] of Object.entries(wanted)) {
        let peak = 0, most = 0;
        assert.equal(got[name].length, planes.length);
        planes.forEach((plane, c) => {
            assert.equal(got[name][c].length, plane.length);
            for (let i = 0; i < plane.length; i++) {
                peak = Math.max(peak, Math.abs(plane[i]));
                most = Math.max(most, Math.abs(got[name][c][i] - plane[i]));
            }
        });
        assert.ok(!Number.isNaN(most));
        worst = Math.max(worst, peak > 0 ? most / peak : most);
    }
    return worst;
}

export function close(got, wanted, most = PROMISED) {
    const worst = difference(got, wanted);
    assert.ok(worst <= most, `differs by ${worst} of the peak, allowed is ${most}`);
    return worst;
}

// Collects what goes wrong in a page.
export function watch(page, problems) {
    page.on('pageerror', error => problems.push(String(error)));
    page.on('console', m => m.type() === 'error' && problems.push(m.text()));
}

// The studio in a page, as soon as it can be used.
export async function openStudio(page, server) {
    await page.goto(`${server.base}/studio/`);
    await page.waitForFunction(() => !document.querySelector('#separate').disabled);
}

// Reproducible noise of a normal distribution, roughly.
export function noise(channels, frames, seed = 1) {
    let state = seed >>> 0;
    const next = () => {
        state = Math.imul(state, 1664525) + 1013904223 >>> 0;
        return state / 4294967296 - 0.5;
    };
    return Array.from({ length: channels }, () =>
        Float32Array.from({ length: frames }, () => 0.3 * (next() + next() + next())));
}
