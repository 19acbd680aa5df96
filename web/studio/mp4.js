// An MP4 file of sound (ISO/IEC 14496-12): its head, the packets as they come, and the
// index behind them. Boxes and their values are those of the program's files.
const LATIN_UND = 0x55c4; // no language
const MOST = 2 ** 32 - 1;
const MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

// ------------------------------------------------------------------- bytes

const text = s => new TextEncoder().encode(s);

function number(value, width) {
    const view = new DataView(new ArrayBuffer(8));
    if (value > MOST && width < 8)
        throw new Error('too long for an MP4 file; save the stems one by one');
    view.setBigUint64(0, BigInt(value));
    return new Uint8Array(view.buffer, 8 - width);
}

const u8 = value => number(value, 1), u16 = value => number(value, 2), u32 = value => number(value, 4);
const list32 = values => {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, i) => view.setUint32(4 * i, value));
    return new Uint8Array(view.buffer);
};
const zeros = n => new Uint8Array(n);

export function join(...parts) {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
        out.set(part, at);
        at += part.length;
    }
    return out;
}

export function box(type, ...parts) {
    const body = join(...parts);
    return join(u32(8 + body.length), text(type), body);
}

// With a version and flags.
const full = (type, version, flags, ...parts) => box(type, u32(version * 2 ** 24 + flags), ...parts);

// ------------------------------------------------------------------ codecs

const sampleEntry = (type, sampleRate, ...boxes) => full('stsd', 0, 0, u32(1), box(type,
    zeros(6), u16(1), zeros(8), u16(2), u16(16), zeros(4), u32(sampleRate < 65536 ? sampleRate * 65536 : 0), ...boxes));

// The description of ISO/IEC 14496-1 around AAC's own; lengths take four bytes.
function esds(specific, bitrate, id) {
    const part = (tag, ...parts) => {
        const body = join(...parts), n = body.length;
        return join(u8(tag), u8(128 | n >> 21), u8(128 | n >> 14 & 127), u8(128 | n >> 7 & 127), u8(n & 127), body);
    };
    return full('esds', 0, 0, part(3, u16(id), u8(0),
        part(4, u8(0x40), u8(0x15), zeros(3), u32(bitrate), u32(bitrate), part(5, specific)),
        part(6, u8(2))));
}

export const aacEntry = (specific, sampleRate, bitrate, id) => sampleEntry('mp4a', sampleRate, esds(specific, bitrate, id));
export const alacEntry = (cookie, sampleRate) => sampleEntry('alac', sampleRate, full('alac', 0, 0, cookie));

// A packet of AAC needs the one before it.
const preRoll = packets => join(full('sgpd', 1, 0, text('roll'), u32(2), u32(1), u16(0xffff)),
    full('sbgp', 0, 0, text('roll'), u32(1), u32(packets), u32(1)));

// ------------------------------------------------------------------ the file

class Track {
    sizes = []; chunks = []; // { at, packets }

    add(packets, at) {
        if (packets.length === 0)
            return;
        this.chunks.push({ at, packets: packets.length });
        packets.forEach(p => this.sizes.push(p.length));
    }

    // Chunks of as many packets as the one before are not told again.
    #runs() {
        return this.chunks.flatMap(({ packets }, i) => packets === this.chunks[i - 1]?.packets ? [] : [i + 1, packets, 1]);
    }

    #offsets() {
        return this.chunks.some(({ at }) => at > MOST)
            ? full('co64', 0, 0, u32(this.chunks.length), ...this.chunks.map(({ at }) => number(at, 8)))
            : full('stco', 0, 0, u32(this.chunks.length), list32(this.chunks.map(({ at }) => at)));
    }

    #samples({ entry, frame, rolls }, length) {
        const n = this.sizes.length, last = length - (n - 1) * frame, runs = this.#runs();
        const times = [...n > 1 ? [n - 1, frame] : [], 1, last];
        return box('stbl', entry, full('stts', 0, 0, u32(times.length / 2), list32(times)),
            full('stsc', 0, 0, u32(runs.length / 3), list32(runs)),
            full('stsz', 0, 0, u32(0), u32(n), list32(this.sizes)), this.#offsets(),
            ...rolls ? [preRoll(n)] : []);
    }

    // priming: frames that are decoded and not heard.
    box(id, { name, codec, played, sampleRate, frames }) {
        const { priming } = codec, length = priming + frames;
        return box('trak',
            full('tkhd', 0, played ? 3 : 2, zeros(8), u32(id), zeros(4), u32(frames), zeros(8), u16(0), u16(1),
                u16(0x100), u16(0), list32(MATRIX), zeros(8)),
            box('edts', full('elst', 0, 0, u32(1), u32(frames), u32(priming), u32(0x10000))),
            box('mdia', full('mdhd', 0, 0, zeros(8), u32(sampleRate), u32(length), u16(LATIN_UND), u16(0)),
                full('hdlr', 0, 0, zeros(4), text('soun'), zeros(12), text(`${name}\0`)),
                box('minf', full('smhd', 0, 0, zeros(4)),
                    box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1))),
                    this.#samples(codec, length))));
    }
}

const START = 28 + 16; // ftyp, and room for a head of 64 bits

export class Mp4 {
    #tracks; #at = START; #frames; #sampleRate;

    // Each track has `frames` frames.
    constructor({ tracks, frames, sampleRate }) {
        this.#tracks = Array.from({ length: tracks }, () => new Track());
        this.#frames = frames;
        this.#sampleRate = sampleRate;
    }

    // The file's first bytes, as long now as when all is known.
    head() {
        const size = this.#at - START;
        return join(box('ftyp', text('isom'), u32(512), text('isomiso2mp41')), size + 8 <= MOST
            ? join(box('free'), u32(size + 8), text('mdat'))
            : join(u32(1), text('mdat'), number(size + 16, 8)));
    }

    // A track's next packets, which follow what there is.
    place(track, packets) {
        this.#tracks[track].add(packets, this.#at);
        this.#at = packets.reduce((at, p) => at + p.length, this.#at);
    }

    // The index. tracks: [{ name, codec: { entry, frame, priming, rolls } }], of which the
    // first is played; user: more boxes.
    index(tracks, ...user) {
        const common = { sampleRate: this.#sampleRate, frames: this.#frames };
        return box('moov', full('mvhd', 0, 0, zeros(8), u32(this.#sampleRate), u32(this.#frames), u32(0x10000),
            u16(0x100), zeros(10), list32(MATRIX), zeros(24), u32(tracks.length + 1)),
        ...this.#tracks.map((track, i) => track.box(i + 1, { ...common, ...tracks[i], played: i === 0 })),
        box('udta', ...user));
    }
}
