// Saves files, stems as WAV, all in a zip: streamed to the disk where the
// browser lets a page write files, otherwise assembled as a Blob.
import { wavHeader, wavSamples } from '../package/lib/wav.js';
import { BLOCK } from './store.js';

// Stems never clip: one that would is scaled down, as the program does.
const gainOf = (peak, bits) => bits === 32 ? 1 : 1 / Math.max(1.01 * peak, 1);

// The bytes of a stem's file, block by block.
export async function* wavBytes({ store, track, frames, channels, sampleRate, bits, peak }) {
    yield wavHeader({ sampleRate, channels, frames, bits });
    const gain = gainOf(peak, bits);
    for (let at = 0; at < frames; at += BLOCK) {
        const [planes] = await store.read([track], at, Math.min(at + BLOCK, frames));
        yield wavSamples(gain === 1 ? planes : planes.map(p => p.map(x => x * gain)), bits);
    }
    if (frames * channels * bits / 8 % 2 === 1)
        yield new Uint8Array(1);
}

// --------------------------------------------------------------------- zip

const CRC = Uint32Array.from({ length: 256 }, (_, i) => {
    let c = i;
    for (let k = 0; k < 8; k++)
        c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1;
    return c;
});

function crc32(crc, bytes) {
    let c = ~crc;
    for (let i = 0; i < bytes.length; i++)
        c = CRC[(c ^ bytes[i]) & 255] ^ c >>> 8;
    return ~c >>> 0;
}

function record(signature, fields, name = new Uint8Array()) {
    const size = fields.reduce((n, [width]) => n + width, 4);
    const view = new DataView(new ArrayBuffer(size + name.length));
    view.setUint32(0, signature, true);
    let at = 4;
    for (const [width, value] of fields) {
        width === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true);
        at += width;
    }
    const bytes = new Uint8Array(view.buffer);
    bytes.set(name, size);
    return bytes;
}

const UTF8 = 1 << 11, DESCRIPTOR = 1 << 3, DAY = 1 << 5 | 1; // 1980-01-01

// files: [{ name, bytes: async iterable }]; stored, since music hardly packs.
// Checksums come behind the data, so that nothing is read twice.
export async function* zipBytes(files) {
    const central = [];
    let offset = 0;
    const put = bytes => {
        offset += bytes.length;
        if (offset > 0xfffffff0)
            throw new Error('the zip would be larger than 4 GB; save the stems one by one');
        return bytes;
    };
    for (const file of files) {
        const name = new TextEncoder().encode(file.name), start = offset;
        const common = [[2, 20], [2, UTF8 | DESCRIPTOR], [2, 0], [2, 0], [2, DAY]];
        yield put(record(0x04034b50, [...common, [4, 0], [4, 0], [4, 0], [2, name.length], [2, 0]], name));
        let crc = 0, size = 0;
        for await (const bytes of file.bytes) {
            crc = crc32(crc, bytes);
            size += bytes.length;
            yield put(bytes);
        }
        yield put(record(0x08074b50, [[4, crc], [4, size], [4, size]]));
        central.push(record(0x02014b50, [[2, 20], ...common, [4, crc], [4, size], [4, size], [2, name.length],
            [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, start]], name));
    }
    const start = offset;
    for (const entry of central)
        yield put(entry);
    yield record(0x06054b50, [[2, 0], [2, 0], [2, files.length], [2, files.length],
        [4, offset - start], [4, start], [2, 0]]);
}

// ------------------------------------------------------------------- to disk

async function intoPickedFile(name, type, bytes) {
    const handle = await window.showSaveFilePicker({ suggestedName: name,
        types: [{ accept: { [type]: [name.slice(name.lastIndexOf('.'))] } }] });
    const out = await handle.createWritable();
    try {
        for await (const block of bytes)
            await out.write(block.head ? { type: 'write', position: 0, data: block.head } : block);
        await out.close();
    } catch (error) {
        await out.abort(); // what was there stays
        throw error;
    }
}

async function intoDownload(name, type, bytes) {
    const blocks = [];
    for await (const block of bytes) {
        if (block.head)
            blocks[0] = new Blob([block.head]);
        else
            blocks.push(new Blob([block])); // the browser keeps them, on disk when large
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob(blocks, { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// bytes: blocks, of which the last may be { head }: it goes over the first.
export function save(name, type, bytes) {
    const picker = 'showSaveFilePicker' in window && !navigator.webdriver;
    return (picker ? intoPickedFile : intoDownload)(name, type, bytes);
}
