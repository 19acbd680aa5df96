// FLAC files (RFC 9639): samples as planes of float32.
import { DemucsError } from './errors.js';

const MOST_SAMPLES = 2 ** 29; // over all channels; even a small file may claim many

function fail(message) {
    throw new DemucsError('format', `FLAC: ${message}`);
}

// ------------------------------------------------------------------- bits

class Bits {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;   // next byte
        this.left = 0; // bits of `word` that are not read yet
        this.word = 0; // at most 32 bits, the next ones at the bottom's top
    }

    // n <= 24 bits, unsigned.
    take(n) {
        while (this.left < n) {
            if (this.at >= this.bytes.length)
                fail('the file ends in the middle of a frame');
            this.word = (this.word << 8 | this.bytes[this.at++]) >>> 0;
            this.left += 8;
        }
        this.left -= n;
        const value = this.word >>> this.left;
        this.word &= (1 << this.left) - 1;
        return value;
    }

    // n <= 32 bits, with a sign.
    signed(n) {
        if (n === 0)
            return 0;
        const value = n <= 24 ? this.take(n) : this.take(n - 16) * 65536 + this.take(16);
        return value >= 2 ** (n - 1) ? value - 2 ** n : value;
    }

    // Counts the zero bits before the next one bit.
    unary() {
        let count = 0;
        for (;;) {
            if (this.word !== 0) {
                const zeros = Math.clz32(this.word) - (32 - this.left);
                this.take(zeros + 1);
                return count + zeros;
            }
            count += this.left;
            this.left = 0;
            if (this.at >= this.bytes.length)
                fail('the file ends in the middle of a frame');
            this.word = this.bytes[this.at++];
            this.left = 8;
        }
    }

    // Skips to the next whole byte and returns its position.
    align() {
        this.take(this.left % 8);
        return this.at - this.left / 8;
    }
}

const CRC16 = Uint16Array.from({ length: 256 }, (_, i) => {
    let c = i << 8;
    for (let k = 0; k < 8; k++)
        c = c & 0x8000 ? c << 1 ^ 0x8005 : c << 1;
    return c;
});

function crc16(bytes, from, to) {
    let c = 0;
    for (let i = from; i < to; i++)
        c = (c << 8 ^ CRC16[c >>> 8 ^ bytes[i]]) & 0xffff;
    return c;
}

// -------------------------------------------------------------- subframes

const FIXED = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function residual(bits, out, order) {
    const method = bits.take(2), width = method === 0 ? 4 : 5, escape = 2 ** width - 1;
    if (method > 1)
        fail('an unknown way of coding residuals');
    const partitions = 2 ** bits.take(4), size = out.length / partitions;
    if (!Number.isInteger(size) || size < order)
        fail('partitions do not fit the block');
    for (let p = 0, i = order; p < partitions; p++) {
        const rice = bits.take(width), end = (p + 1) * size;
        const raw = rice === escape ? bits.take(5) : 0;
        for (; i < end; i++) {
            if (rice === escape) {
                out[i] = bits.signed(raw);
                continue;
            }
            const high = bits.unary();
            const low = rice <= 24 ? bits.take(rice) : bits.take(rice - 16) * 65536 + bits.take(16);
            const value = high * 2 ** rice + low;
            out[i] = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
        }
    }
}

// out[i] += the prediction from the samples before it. Sums that may not fit 32
// bits still fit the 53 of a number.
function predict(out, coefficients, shift, wide) {
    const order = coefficients.length, scale = 2 ** shift;
    for (let i = order; i < out.length; i++) {
        let sum = 0;
        for (let j = 0; j < order; j++)
            sum += coefficients[j] * out[i - 1 - j];
        out[i] += wide ? Math.floor(sum / scale) : sum >> shift;
    }
}

function linear(bits, out, order, width) {
    for (let i = 0; i < order; i++)
        out[i] = bits.signed(width);
    const precision = bits.take(4) + 1, shift = bits.signed(5);
    if (precision === 16 || shift < 0)
        fail('a predictor that is not allowed');
    const coefficients = Array.from({ length: order }, () => bits.signed(precision));
    residual(bits, out, order);
    predict(out, coefficients, shift, width + precision + Math.ceil(Math.log2(order)) > 31);
}

function fixed(bits, out, order, width) {
    for (let i = 0; i < order; i++)
        out[i] = bits.signed(width);
    residual(bits, out, order);
    predict(out, FIXED[order], 0, width + 5 > 31);
}

function subframe(bits, out, width) {
    if (bits.take(1) !== 0)
        fail('a subframe starts wrongly');
    const kind = bits.take(6);
    const wasted = bits.take(1) === 1 ? bits.unary() + 1 : 0;
    width -= wasted;
    if (width < 1)
        fail('a subframe without bits');
    if (kind === 0)
        out.fill(bits.signed(width));
    else if (kind === 1)
        for (let i = 0; i < out.length; i++)
            out[i] = bits.signed(width);
    else if (kind >= 8 && kind <= 12 && kind - 8 <= out.length)
        fixed(bits, out, kind - 8, width);
    else if (kind >= 32 && kind - 31 <= out.length)
        linear(bits, out, kind - 31, width);
    else
        fail('a subframe of a kind that does not exist');
    if (wasted > 0)
        for (let i = 0; i < out.length; i++)
            out[i] *= 2 ** wasted;
}

// ------------------------------------------------------------------ frames

const SIZES = [0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
const WIDTHS = [0, 8, 12, 0, 16, 20, 24, 32];

// Skips the number of the frame or sample, which is not needed.
function skipNumber(bits) {
    const first = bits.take(8);
    let more = 0;
    while (more < 7 && first & 0x80 >> more)
        more++;
    for (let i = 1; i < more; i++)
        if (bits.take(8) >>> 6 !== 2)
            fail('a frame\'s number is damaged');
}

function frameHeader(bits, info) {
    if (bits.take(15) !== 0x7ffc)
        fail('a frame does not start where it should');
    bits.take(1);
    const size = bits.take(4), rate = bits.take(4), layout = bits.take(4), width = WIDTHS[bits.take(3)];
    bits.take(1);
    skipNumber(bits);
    const frames = size === 6 ? bits.take(8) + 1 : size === 7 ? bits.take(16) + 1 : SIZES[size];
    if (rate >= 12)
        bits.take(rate === 12 ? 8 : 16);
    bits.take(8); // its own checksum; the frame's covers it
    const channels = layout < 8 ? layout + 1 : 2;
    if (frames === 0 || layout > 10 || rate === 15 || channels !== info.channels || (width !== 0 && width !== info.bits))
        fail('a frame\'s header is damaged, or differs from the file\'s');
    return { frames, layout };
}

// Left, right and middle of pairs whose difference is stored.
function decorrelate([a, b], layout) {
    for (let i = 0; i < a.length; i++)
        if (layout === 8)
            b[i] = a[i] - b[i];
        else if (layout === 9)
            a[i] += b[i];
        else {
            const middle = a[i] * 2 + (b[i] & 1), side = b[i];
            a[i] = (middle + side) / 2;
            b[i] = (middle - side) / 2;
        }
}

function readFrame(bits, info) {
    const start = bits.align();
    const { frames, layout } = frameHeader(bits, info);
    const planes = Array.from({ length: info.channels }, (_, c) => {
        const out = new Float64Array(frames);
        const side = layout === 9 ? 0 : layout >= 8 ? 1 : -1;
        subframe(bits, out, info.bits + (c === side ? 1 : 0));
        return out;
    });
    if (layout >= 8)
        decorrelate(planes, layout);
    const end = bits.align();
    if (bits.take(16) !== crc16(info.bytes, start, end))
        fail('a frame\'s checksum is wrong: the file is damaged');
    return planes;
}

// -------------------------------------------------------------------- file

// Where the FLAC stream starts: some programs put ID3 tags in front of it.
function skipTags(bytes) {
    let at = 0;
    while (bytes[at] === 0x49 && bytes[at + 1] === 0x44 && bytes[at + 2] === 0x33 && at + 10 <= bytes.length)
        at += 10 + (bytes[at + 6] << 21 | bytes[at + 7] << 14 | bytes[at + 8] << 7 | bytes[at + 9]);
    return at;
}

export function isFlac(bytes) {
    const at = skipTags(bytes);
    return bytes[at] === 0x66 && bytes[at + 1] === 0x4c && bytes[at + 2] === 0x61 && bytes[at + 3] === 0x43;
}

function readInfo(bits, bytes) {
    for (let i = 0; i < 10; i++)
        bits.take(8);
    const info = { bytes, sampleRate: bits.take(20), channels: bits.take(3) + 1, bits: bits.take(5) + 1,
        total: bits.take(12) * 2 ** 24 + bits.take(24) };
    if (info.sampleRate === 0 || info.bits < 4)
        fail('its stream information is damaged');
    if (info.bits > 24)
        throw new DemucsError('unsupported', `FLAC: ${info.bits} bits a sample can't be read; convert the file to 24`);
    return info;
}

// Metadata to the first frame.
function readMetadata(bytes) {
    const bits = new Bits(bytes);
    bits.at = skipTags(bytes) + 4;
    let info;
    for (let last = 0; last === 0;) {
        last = bits.take(1);
        const kind = bits.take(7), size = bits.take(24), start = bits.align();
        if (info === undefined && (kind !== 0 || size < 34))
            fail('its stream information is missing');
        info ??= readInfo(bits, bytes);
        bits.at = start + size;
        bits.left = bits.word = 0;
    }
    return { bits, info };
}

// { planes, sampleRate, bits } of a file's bytes.
export function readFlac(bytes) {
    if (!isFlac(bytes))
        fail('not a FLAC file');
    const { bits, info } = readMetadata(bytes);
    const blocks = [];
    let frames = 0;
    while (bits.align() < bytes.length && (info.total === 0 || frames < info.total)) {
        const block = readFrame(bits, info);
        frames += block[0].length;
        if (frames * info.channels > MOST_SAMPLES)
            throw new DemucsError('limit', 'FLAC: more samples than can be held in memory; cut the file');
        blocks.push(block.map(plane => Float32Array.from(plane, x => x / 2 ** (info.bits - 1))));
    }
    if (frames < info.total)
        fail(`it ends after ${frames} of ${info.total} samples`);
    return { planes: join(blocks, info.channels, frames), sampleRate: info.sampleRate, bits: info.bits };
}

function join(blocks, channels, frames) {
    return Array.from({ length: channels }, (_, c) => {
        const plane = new Float32Array(frames);
        let at = 0;
        for (const block of blocks) {
            plane.set(block[c], at);
            at += block[c].length;
        }
        return plane;
    });
}
