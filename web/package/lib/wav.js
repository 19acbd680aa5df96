// WAV files: samples as planes of float32, and back.
import { DemucsError } from './errors.js';

const PCM = 1, FLOAT = 3, EXTENSIBLE = 0xfffe;
const MOST_CHANNELS = 64;

const tag = (view, at) => String.fromCharCode(
    view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));

export const isWav = bytes => bytes.length >= 12
    && tag(new DataView(bytes.buffer, bytes.byteOffset), 0) === 'RIFF'
    && tag(new DataView(bytes.buffer, bytes.byteOffset), 8) === 'WAVE';

function fail(message) {
    throw new DemucsError('format', `WAV: ${message}`);
}

function readFormat(view, at, size) {
    if (size < 16)
        fail('its format chunk is too short');
    const format = { kind: view.getUint16(at, true), channels: view.getUint16(at + 2, true),
        sampleRate: view.getUint32(at + 4, true), block: view.getUint16(at + 12, true),
        bits: view.getUint16(at + 14, true) };
    if (format.kind === EXTENSIBLE && size >= 26)
        format.kind = view.getUint16(at + 24, true);
    const { kind, channels, bits, block } = format;
    if (!(kind === PCM && [8, 16, 24, 32].includes(bits)) && !(kind === FLOAT && [32, 64].includes(bits)))
        fail(`samples of format ${kind} with ${bits} bits can't be read; give PCM or float, or FLAC`);
    if (channels < 1 || channels > MOST_CHANNELS || block !== channels * bits / 8)
        fail(`${channels} channels in blocks of ${block} bytes make no sense`);
    if (format.sampleRate < 1000 || format.sampleRate > 768000)
        fail(`a sample rate of ${format.sampleRate} Hz makes no sense`);
    return format;
}

// One sample at a byte, in [-1, 1).
function sampleReader(view, { kind, bits }) {
    if (kind === FLOAT)
        return bits === 32 ? at => view.getFloat32(at, true) : at => view.getFloat64(at, true);
    switch (bits) {
    case 8: return at => (view.getUint8(at) - 128) / 128;
    case 16: return at => view.getInt16(at, true) / 32768;
    case 24: return at => (view.getInt8(at + 2) * 65536 + view.getUint16(at, true)) / 8388608;
    default: return at => view.getInt32(at, true) / 2147483648;
    }
}

// { planes, sampleRate, bits } of a file's bytes. A data chunk that says more
// than there is, as streams write it, ends with the file.
export function readWav(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!isWav(bytes))
        fail('not a WAV file');
    let format;
    for (let at = 12; at + 8 <= view.byteLength;) {
        const name = tag(view, at), said = view.getUint32(at + 4, true);
        const size = Math.min(said, view.byteLength - at - 8);
        at += 8;
        if (name === 'fmt ')
            format = readFormat(view, at, size);
        else if (name === 'data') {
            if (format === undefined)
                fail('its samples come before their format');
            return { planes: readSamples(view, at, size, format), sampleRate: format.sampleRate, bits: format.bits };
        }
        at += size + size % 2;
    }
    fail('it has no samples');
}

function readSamples(view, at, size, format) {
    const frames = Math.floor(size / format.block), width = format.bits / 8;
    const sample = sampleReader(view, format);
    return Array.from({ length: format.channels }, (_, c) => {
        const plane = new Float32Array(frames);
        for (let i = 0, p = at + c * width; i < frames; i++, p += format.block)
            plane[i] = sample(p);
        return plane;
    });
}

// ------------------------------------------------------------------ writing

// The 44 bytes before the samples, 58 for float. bits: 16, 24, or 32 for float.
export function wavHeader({ sampleRate, channels, frames, bits }) {
    const float = bits === 32, block = channels * bits / 8, size = frames * block;
    const head = float ? 58 : 44;
    const view = new DataView(new ArrayBuffer(head));
    const text = (at, t) => [...t].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
    if (size + head > 0xffffffff)
        throw new DemucsError('limit', 'a WAV file can\'t be larger than 4 GB; write fewer bits');
    text(0, 'RIFF');
    view.setUint32(4, head - 8 + size + size % 2, true);
    text(8, 'WAVEfmt ');
    view.setUint32(16, float ? 18 : 16, true);
    view.setUint16(20, float ? FLOAT : PCM, true);
    view.setUint16(22, channels, true);
    view.setUint32(24, sampleRate, true);
    view.setUint32(28, sampleRate * block, true);
    view.setUint16(32, block, true);
    view.setUint16(34, bits, true);
    if (float) {
        text(38, 'fact');
        view.setUint32(42, 4, true);
        view.setUint32(46, frames, true);
    }
    text(head - 8, 'data');
    view.setUint32(head - 4, size, true);
    return new Uint8Array(view.buffer);
}

// To nearest, ties to even, as the program rounds; cut off at full scale.
export function rounded(x, scale) {
    const y = x * scale, floor = Math.floor(y), rest = y - floor;
    const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
    return Math.max(-scale, Math.min(scale - 1, floor + (up ? 1 : 0)));
}

// Interleaved samples of planes[channel], of frames [from, to).
export function wavSamples(planes, bits, from = 0, to = planes[0].length) {
    const channels = planes.length, width = bits / 8;
    const view = new DataView(new ArrayBuffer((to - from) * channels * width));
    const put = {
        16: (at, x) => view.setInt16(at, rounded(x, 32768), true),
        24: (at, x) => {
            const v = rounded(x, 8388608);
            view.setUint16(at, v & 0xffff, true);
            view.setInt8(at + 2, v >> 16);
        },
        32: (at, x) => view.setFloat32(at, x, true),
    }[bits];
    for (let i = from, at = 0; i < to; i++)
        for (let c = 0; c < channels; c++, at += width)
            put(at, planes[c][i]);
    return new Uint8Array(view.buffer);
}
