// Keeps a session's samples on the disk: one file a track, in blocks of BLOCK
// frames, channel after channel. In memory where the browser gives no files.
const BLOCK = 65536;
let channels, tracks;

class DiskTrack {
    static async open(folder, name) {
        const track = new DiskTrack();
        const handle = await folder.getFileHandle(name, { create: true });
        track.access = await handle.createSyncAccessHandle();
        track.access.truncate(0);
        return track;
    }

    write(bytes, at) {
        if (this.access.write(bytes, { at }) !== bytes.byteLength)
            throw new Error('the browser\'s storage is full');
    }

    read(bytes, at) {
        this.access.read(bytes, { at });
    }

    close() {
        this.access.close();
    }
}

class MemoryTrack {
    blocks = new Map();

    write(bytes, at) {
        this.blocks.set(at, bytes.slice());
    }

    read(bytes, at) {
        const row = 4 * BLOCK, start = Math.floor(at / row) * row;
        const block = this.blocks.get(start);
        if (block)
            bytes.set(block.subarray(at - start, at - start + bytes.length));
    }

    close() {}
}

async function openFolder() {
    const root = await navigator.storage.getDirectory();
    for await (const name of root.keys()) // left behind by closed pages
        if (name.startsWith('studio-'))
            await root.removeEntry(name, { recursive: true }).catch(() => {});
    return root.getDirectoryHandle(`studio-${crypto.randomUUID()}`, { create: true });
}

const calls = {
    async open({ count, channels: c }) {
        channels = c;
        try {
            const folder = await openFolder();
            tracks = [];
            for (let i = 0; i < count; i++)
                tracks.push(await DiskTrack.open(folder, `${i}.f32`));
        } catch {
            tracks?.forEach(track => track.close());
            tracks = Array.from({ length: count }, () => new MemoryTrack());
        }
        return { disk: tracks[0] instanceof DiskTrack };
    },

    // planes of at most BLOCK frames; at: a whole number of blocks.
    append({ track, at, planes }) {
        planes.forEach((plane, c) => tracks[track].write(
            new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength), 4 * (at * channels + c * BLOCK)));
    },

    // Frames [from, to) of some tracks: [track][channel].
    read({ list, from, to }) {
        return list.map(track => Array.from({ length: channels }, (_, c) => {
            const plane = new Float32Array(to - from);
            for (let at = from; at < to;) {
                const block = Math.floor(at / BLOCK), inside = at - block * BLOCK;
                const n = Math.min(BLOCK - inside, to - at);
                tracks[track].read(new Uint8Array(plane.buffer, 4 * (at - from), 4 * n),
                    4 * (block * BLOCK * channels + c * BLOCK + inside));
                at += n;
            }
            return plane;
        }));
    },

    close() {
        tracks?.forEach(track => track.close());
        tracks = undefined;
    },
};

let turn = Promise.resolve();
onmessage = ({ data: { id, call, argument } }) => {
    turn = turn.then(async () => {
        try {
            const result = await calls[call](argument);
            postMessage({ id, result }, call === 'read' ? result.flat().map(p => p.buffer) : []);
        } catch (error) {
            postMessage({ id, error: error.message });
        }
    });
};
