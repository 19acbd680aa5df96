// Files in a browser: Blobs, and a cache in the origin's private file system.
import { DemucsError } from './errors.js';
import { bytesFile, checkHash, download, MOST_NOTE } from './models.js';

const PIECE = 4 << 20;

// Frees memory at once instead of at the next garbage collection.
const free = buffer => buffer.transfer?.(0);

// Reads through a copy of each piece.
function readBlob(blob, name, offset, out) {
    const reader = new FileReaderSync();
    for (let done = 0; done < out.length; done += PIECE) {
        const end = Math.min(done + PIECE, out.length);
        let piece;
        try {
            piece = reader.readAsArrayBuffer(blob.slice(offset + done, offset + end));
        } catch (error) {
            throw new DemucsError('io', `${name}: it can't be read any more; was it changed or removed? Open it again`, { cause: error });
        }
        out.set(new Uint8Array(piece), done);
        free(piece);
    }
}

// access: the same file of the cache, read straight into the module's memory,
// until release().
function blobFile(blob, name, access) {
    return {
        name, size: blob.size,
        read(offset, out) {
            if (access === undefined)
                readBlob(blob, name, offset, out);
            else if (access.read(out, { at: offset }) !== out.length)
                throw new DemucsError('io', `${name}: the file in the cache shrank while it was read`);
        },
        release() {
            access?.close();
            access = undefined;
        },
    };
}

function hashOf(module, text) {
    const h = module.hasher();
    h.update(new TextEncoder().encode(text));
    return h.finish();
}

// A model is the file `key`; `key`.json, which is written last, says that it is
// complete. The key is its SHA-256 when that is known before, else that of its
// address.
class Cache {
    static async open(name) {
        try {
            const root = await navigator.storage.getDirectory();
            const cache = new Cache();
            cache.folder = await root.getDirectoryHandle(name, { create: true });
            return cache;
        } catch { // a private window
            return undefined;
        }
    }

    // The size of a file that is whole; undefined when it is not.
    async wholeSize(key) {
        try {
            const note = await (await this.folder.getFileHandle(`${key}.json`)).getFile();
            return JSON.parse(await note.text()).size;
        } catch {
            return undefined;
        }
    }

    async find(key) {
        try {
            const size = await this.wholeSize(key);
            const file = await (await this.folder.getFileHandle(key)).getFile();
            return file.size === size && size > 0 ? file : undefined;
        } catch {
            return undefined;
        }
    }

    // A read-only handle, which several pages may hold at once; undefined where
    // the browser has only exclusive ones.
    async reader(key) {
        let shared = false;
        const options = {
            get mode() {
                shared = true;
                return 'read-only';
            },
        };
        try {
            const handle = await this.folder.getFileHandle(key);
            const access = await handle.createSyncAccessHandle(options);
            if (shared)
                return access;
            access.close();
        } catch { /* it is being written or removed */ }
        return undefined;
    }

    // Exclusive: undefined while another page writes the same, when another has
    // just written it (it may be reading it), or where files can't be written.
    async writer(key) {
        try {
            const handle = await this.folder.getFileHandle(key, { create: true });
            const access = await handle.createSyncAccessHandle();
            const size = access.getSize();
            if (size > 0 && await this.wholeSize(key) === size) {
                access.close();
                return undefined;
            }
            await this.folder.removeEntry(`${key}.json`).catch(() => {});
            access.truncate(0);
            return access;
        } catch {
            return undefined;
        }
    }

    // Before the file's own handle is closed, so that no other page can begin to
    // write in between.
    async finish(key, note, file) {
        file.flush();
        const handle = await this.folder.getFileHandle(`${key}.json`, { create: true });
        const access = await handle.createSyncAccessHandle();
        access.truncate(0);
        access.write(new TextEncoder().encode(JSON.stringify(note)));
        access.close();
        file.close();
        return (await this.folder.getFileHandle(key)).getFile();
    }

    // Read beforehand, since the module can't wait.
    async notes() {
        const folder = await this.folder.getDirectoryHandle('precision', { create: true });
        const texts = new Map();
        for await (const [name, handle] of folder.entries()) {
            const file = await handle.getFile?.();
            if (file?.size <= MOST_NOTE)
                texts.set(name, await file.text());
        }
        return {
            get: name => texts.get(name),
            async keep(name, text) {
                const handle = await folder.getFileHandle(name, { create: true });
                const access = await handle.createSyncAccessHandle();
                try {
                    access.truncate(0);
                    access.write(new TextEncoder().encode(text), { at: 0 });
                } finally {
                    access.close();
                }
            },
        };
    }

    async drop(key) {
        await this.folder.removeEntry(key).catch(() => {});
    }
}

// Into the cache block by block; into memory when that has no room.
async function fetchInto(cache, key, url, source, module, say) {
    const access = await cache?.writer(key);
    const blocks = [], hash = module.hasher();
    let size = 0, full = access === undefined;
    try {
        for await (const block of download(url, say)) {
            hash.update(block);
            if (!full && access.write(block, { at: size }) !== block.length)
                throw new DemucsError('io', `${url}: the browser's storage is full; give { cache: false }`);
            if (full)
                blocks.push(new Blob([block])); // outside of the page's memory
            size += block.length;
            free(block.buffer);
        }
    } catch (error) {
        if (access !== undefined) {
            access.close();
            await cache.drop(key);
        }
        if (error?.name === 'QuotaExceededError')
            throw new DemucsError('io', `${url}: the browser's storage is full; give { cache: false }`, { cause: error });
        throw error;
    }
    const sha256 = hash.finish();
    try {
        checkHash(url, source.sha256, sha256);
    } catch (error) {
        if (access !== undefined) {
            access.close();
            await cache.drop(key);
        }
        throw error;
    }
    if (full)
        return new Blob(blocks);
    return cache.finish(key, { url, sha256, size }, access);
}

export async function browserFiles(module, cacheName) {
    const cache = cacheName ? await Cache.open(cacheName) : undefined;
    return {
        blob: blobFile,
        bytes: bytesFile,
        path() {
            throw new DemucsError('argument', 'model: a browser opens a URL, a Blob or an ArrayBuffer, no path');
        },
        notes: async () => cache?.notes().catch(() => undefined),
        async fetch(url, source, say) {
            const known = source.sha256?.length === 64;
            const key = known ? source.sha256 : `url-${hashOf(module, url)}`;
            const found = await cache?.find(key);
            const blob = found ?? await fetchInto(cache, key, url, source, module, say);
            const whole = await cache?.wholeSize(key) === blob.size;
            const access = whole ? await cache.reader(key) : undefined;
            return { file: blobFile(blob, source.name, access), cached: found !== undefined };
        },
    };
}
