// Separates one song with one model: samples go to the store, progress and parts
// to the page.
import { Demucs } from '../package/index.js';
import { isFlac, readFlac } from '../package/lib/flac.js';
import { isWav, readWav } from '../package/lib/wav.js';
import { BLOCK, Store } from './store.js';

// WAV and FLAC at the model's rate are decoded here, bit for bit: browsers scale
// samples differently.
function readExactly(bytes, sampleRate) {
    try {
        const read = isWav(bytes) ? readWav : isFlac(bytes) ? readFlac : undefined;
        const sound = read?.(bytes);
        return sound?.sampleRate === sampleRate && sound.planes[0].length > 0 ? sound.planes : undefined;
    } catch { // the browser may do better
        return undefined;
    }
}

// Anything the browser decodes, at the model's rate: one plane a channel.
async function decode(file, sampleRate) {
    const bytes = await file.arrayBuffer();
    const exact = readExactly(new Uint8Array(bytes), sampleRate);
    if (exact)
        return exact;
    try {
        const buffer = await new OfflineAudioContext(2, 1, sampleRate).decodeAudioData(bytes);
        return Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
    } catch {
        throw new Error(`${file.name}: the browser can't decode it; try WAV, FLAC, MP3 or M4A`);
    }
}

function matchChannels(given, channels) {
    const chosen = given.length === 1 ? Array(channels).fill(given[0]) : given.slice(0, channels);
    return chosen.map(plane => Float32Array.from(plane));
}

async function storeMix(store, planes) {
    for (let at = 0; at < planes[0].length; at += BLOCK)
        await store.append(0, at, planes.map(p => p.slice(at, at + BLOCK)));
}

const peakOf = (planes, before) => planes.reduce(
    (most, plane) => plane.reduce((m, x) => Math.max(m, Math.abs(x)), most), before);

export class Session {
    #controller = new AbortController();
    peaks = []; available = 0;

    // on: { open(demucs), ready(session), part(start, stems), progress(stage, fraction) }
    async run(file, options, on) {
        const { signal } = this.#controller;
        const demucs = await Demucs.open({ ...options, signal,
            onDownload: (loaded, total) => on.progress('download', total ? loaded / total : undefined, loaded),
            onProgress: (fraction, stage) => on.progress(stage, fraction) });
        try {
            on.open(demucs);
            on.progress('decode');
            const planes = matchChannels(await decode(file, demucs.sampleRate), demucs.channels);
            signal.throwIfAborted();
            Object.assign(this, { name: file.name.replace(/\.[^.]*$/, ''), frames: planes[0].length, stems: demucs.stems,
                channels: demucs.channels, sampleRate: demucs.sampleRate });
            this.store = await Store.open(1 + this.stems.length, this.channels);
            await storeMix(this.store, planes);
            await on.ready(this, planes);
            await this.#separate(demucs, planes, on, signal);
            this.heapBytes = demucs.heapBytes;
        } finally {
            demucs.close();
        }
    }

    async #separate(demucs, planes, on, signal) {
        const parts = demucs.separate(planes, { transfer: true, signal,
            onProgress: (fraction, stage) => on.progress(stage, fraction) });
        for await (const { start, frames, stems } of parts) {
            on.part(start, stems);
            await Promise.all(this.stems.map((name, i) => {
                this.peaks[i] = peakOf(stems[name], this.peaks[i] ?? 0);
                return this.store.append(1 + i, start, stems[name]);
            }));
            this.available = start + frames;
            on.stored(this.available);
        }
    }

    cancel() {
        this.#controller.abort();
    }

    close() {
        this.cancel();
        this.store?.close();
    }
}
