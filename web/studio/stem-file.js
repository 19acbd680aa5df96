// A DJ stem file, .stem.mp4, as the program writes it (src/cli/separate_stem_file.c,
// src/audio/stem_box.c): the mix and four stems as the tracks of an MP4 file, and the
// box that names them. AAC where the browser encodes it, else Apple Lossless.
import { rounded } from '../package/lib/wav.js';
import { findAac } from './aac.js';
import { AlacEncoder, FRAME } from './alac.js';
import { aacEntry, alacEntry, box, join, Mp4 } from './mp4.js';
import { BLOCK } from './store.js';

const STEMS = 4;
const COLOURS = ['#009E73', '#D55E00', '#CC79A7', '#56B4E9']; // the format's
const MASTERING = { // off, so that the stems sum to the mix
    compressor: { enabled: false, input_gain: 0.5, output_gain: 0.5, threshold: 0, dry_wet: 50,
        attack: 0.003, release: 0.3, ratio: 10, hp_cutoff: 300 },
    limiter: { enabled: false, release: 0.05, threshold: 0, ceiling: -0.35 } };

// -------------------------------------------------------------- the stems

const USUAL = ['drums', 'bass', 'vocals', 'other'];

// The stems that are summed to leave four: "other" and those that models of four
// lack, then any.
function summed(names) {
    const turn = name => name === 'other' ? 0 : USUAL.includes(name) ? 2 : 1;
    return names.length === STEMS ? []
        : [...names].sort((a, b) => turn(a) - turn(b)).slice(0, names.length - STEMS + 1);
}

// Four stems, in the model's order: [{ name, tracks }] by the store's numbers; undefined
// where the model has fewer. A sum stands where its first stem would.
export function stemsOf(names) {
    if (names.length < STEMS)
        return undefined;
    const sum = summed(names), number = name => 1 + names.indexOf(name);
    return names.filter(name => !sum.includes(name) || name === sum[0]).map(name => name === sum[0]
        ? { name: sum.join('+'), tracks: sum.map(number) } : { name, tracks: [number(name)] });
}

export const stemBox = names => box('stem', new TextEncoder().encode(JSON.stringify({
    version: 1, mastering_dsp: MASTERING, stems: names.map((name, i) => ({ name, color: COLOURS[i] })) })));

// ------------------------------------------------------------------ codecs

// Packets of 16-bit samples, FRAME frames each.
class AlacTrack {
    #encoder = new AlacEncoder(); #row = [0, 1].map(() => new Int32Array(FRAME)); #fill = 0;

    encode(planes) {
        const packets = [], n = planes[0].length;
        for (let at = 0; at < n;) {
            const take = Math.min(FRAME - this.#fill, n - at);
            this.#row.forEach((row, c) => {
                for (let i = 0; i < take; i++)
                    row[this.#fill + i] = rounded((planes[c] ?? planes[0])[at + i], 32768);
            });
            this.#fill += take;
            at += take;
            if (this.#fill === FRAME)
                packets.push(...this.finish());
        }
        return packets;
    }

    finish() {
        const n = this.#fill;
        this.#fill = 0;
        return n > 0 ? [this.#encoder.encode(this.#row, n)] : [];
    }

    close() {}
}

const alac = sampleRate => ({ name: 'Apple Lossless, 16 bits', frame: FRAME, priming: 0, rolls: false,
    make: () => new AlacTrack(), entry: () => alacEntry(AlacEncoder.cookie(sampleRate), sampleRate) });

function aac({ config, priming, frame, make }) {
    const { sampleRate, bitrate } = config;
    return { name: `AAC, ${bitrate / 1000} kbit/s`, frame, priming, rolls: true, make,
        entry: (track, id) => aacEntry(track.specific, sampleRate, bitrate, id) };
}

// { name, ... } of what this browser writes at that rate.
export async function stemCodec(sampleRate) {
    const found = await findAac(sampleRate);
    return found === undefined ? alac(sampleRate) : aac(found);
}

// ---------------------------------------------------------------- the file

// Blocks of the file's tracks: [track][channel], as the store has them.
async function* blocks({ store, frames }, outputs) {
    const list = [...new Set(outputs.flatMap(o => o.tracks))];
    for (let at = 0; at < frames; at += BLOCK) {
        const read = await store.read(list, at, Math.min(at + BLOCK, frames));
        yield outputs.map(({ tracks: [first, ...more] }) => read[list.indexOf(first)].map((plane, c) =>
            more.length === 0 ? plane
                : plane.map((x, i) => more.reduce((sum, t) => sum + read[list.indexOf(t)][c][i], x))));
    }
}

// One factor for all, so that they still sum to the mix, as the program has it.
async function gainOf(session, outputs) {
    let peak = 0;
    for await (const tracks of blocks(session, outputs))
        for (const plane of tracks.flat())
            for (let i = 0; i < plane.length; i++)
                peak = Math.max(peak, Math.abs(plane[i]));
    return 1 / Math.max(1.01 * peak, 1);
}

// The file's bytes, block by block; last { head }, which goes over the first block.
export async function* stemFileBytes(session, codec) {
    const { sampleRate, frames } = session, stems = stemsOf(session.stems);
    const outputs = [{ name: 'mix', tracks: [0] }, ...stems], gain = await gainOf(session, outputs);
    const file = new Mp4({ tracks: outputs.length, frames, sampleRate });
    const encoders = outputs.map(() => codec.make());
    const most = Math.ceil((codec.priming + frames) / codec.frame), given = outputs.map(() => 0);
    const put = (i, packets) => {
        const wanted = packets.slice(0, most - given[i]); // an encoder may give more at the end
        given[i] += wanted.length;
        file.place(i, wanted);
        return join(...wanted);
    };
    try {
        yield file.head();
        for await (const tracks of blocks(session, outputs))
            for (const [i, planes] of tracks.entries())
                yield put(i, await encoders[i].encode(gain === 1 ? planes : planes.map(p => p.map(x => x * gain))));
        for (const [i, encoder] of encoders.entries())
            yield put(i, await encoder.finish(codec.priming));
        if (given.some(n => n < most))
            throw new Error('the browser\'s encoder left out the end');
        yield file.index(outputs.map(({ name }, i) => ({ name, codec: { ...codec, entry: codec.entry(encoders[i], i + 1) } })),
            stemBox(stems.map(s => s.name)));
        yield { head: file.head() };
    } finally {
        encoders.forEach(encoder => encoder.close());
    }
}
