// segment.mjs make WORK: one segment of noise, mix.f32 in planes and mix.raw
// interleaved. segment.mjs collect WORK: the native engine's stems of it,
// stems.f32 [stem][channel], from its WAV files.
import fs from 'node:fs';
import path from 'node:path';

const FRAMES = 343980, STEMS = ['drums', 'bass', 'other', 'vocals'];
const [what, work] = process.argv.slice(2);
const write = (name, floats) => fs.writeFileSync(path.join(work, name), floats);

function make() {
    let state = 1;
    const next = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32 - 0.5;
    const planes = Float32Array.from({ length: 2 * FRAMES }, () => 0.3 * (next() + next() + next()));
    write('mix.f32', planes);
    write('mix.raw', planes.map((_, i) => planes[i % 2 * FRAMES + (i >> 1)]));
}

function collect() {
    const all = new Float32Array(STEMS.length * 2 * FRAMES);
    STEMS.forEach((stem, s) => {
        const bytes = fs.readFileSync(path.join(work, `${stem}.wav`)), at = bytes.indexOf('data') + 8;
        for (let i = 0; i < 2 * FRAMES; i++)
            all[(2 * s + i % 2) * FRAMES + (i >> 1)] = bytes.readFloatLE(at + 4 * i);
    });
    write('stems.f32', all);
}

({ make, collect })[what]();
