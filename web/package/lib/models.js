// Turns what the user gave as a model into files that the module reads.
// A file: { name, size, read(offset, bytes) }, synchronous.
// A store: fetch(url, { sha256, name }, say) -> { file, cached }, and what the
// platform has: blob(blob, name), bytes(buffer, name), path(path); notes().
import { DemucsError } from './errors.js';

function releasedModel(name, released) {
    const model = released.find(m => m.name === name);
    if (model === undefined)
        throw new DemucsError('argument', `no released model is called '${name}'; `
            + `there are ${released.map(m => m.name).join(', ')}. A file is given as URL or Blob`);
    return model;
}

// Bytes of a note, at most.
export const MOST_NOTE = 65536;

// From the first source that works.
async function fetchMember(member, store, say) {
    let failure;
    for (const source of member.files)
        try {
            return await store.fetch(source.url, source, say);
        } catch (error) {
            if (error.code !== 'network')
                throw error;
            failure ??= error;
        }
    throw failure;
}

async function fetchReleased(model, store, say) {
    const files = [];
    let cached = true, before = 0;
    for (const member of model.members) {
        const got = await fetchMember(member, store,
            loaded => say(before + loaded, model.bytes || undefined));
        cached &&= got.cached;
        before += got.file.size;
        files.push(got.file);
    }
    return { files, weights: model.weights, segment: model.segment || undefined, cached };
}

// The last part of a path or URL, as a name for messages.
const nameOf = url => decodeURIComponent(url.split(/[?#]/)[0].split('/').pop()) || 'model';

async function oneFile(model, store, say) {
    if (model.url !== undefined)
        return store.fetch(model.url, { name: nameOf(model.url) }, say);
    if (model.blob !== undefined)
        return { file: store.blob(model.blob, model.blob.name ?? 'model'), cached: false };
    if (model.bytes !== undefined)
        return { file: store.bytes(model.bytes, 'model'), cached: false };
    return { file: store.path(model.path), cached: false };
}

// The module asks for files by name, so names must differ.
function distinct(files) {
    const seen = new Set();
    files.forEach((file, i) => {
        if (seen.has(file.name))
            file.name = `${i}-${file.name}`;
        seen.add(file.name);
    });
    return files;
}

export async function findModel(model, released, store, say) {
    if (model.name !== undefined)
        return fetchReleased(releasedModel(model.name, released), store, say);
    const files = [];
    let cached = true;
    for (const member of model.models ?? [model]) {
        const got = member.name !== undefined
            ? await fetchReleased(releasedModel(member.name, released), store, say)
            : await oneFile(member, store, say);
        cached &&= got.cached;
        files.push(...got.files ?? [got.file]);
    }
    return { files: distinct(files), weights: model.weights, segment: model.segment, cached };
}

// Yields the body of a response block by block.
export async function* download(url, say) {
    let response;
    try {
        response = await fetch(url);
    } catch (error) {
        throw new DemucsError('network', `${url}: can't be fetched (${error.message}); without a connection, `
            + 'or from a server that does not allow this page (CORS), download the file and open it as a file', { cause: error });
    }
    if (!response.ok)
        throw new DemucsError('network', `${url}: the server answers ${response.status} ${response.statusText}`);
    const total = Number(response.headers.get('Content-Length')) || undefined;
    let loaded = 0;
    const reader = response.body.getReader();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done)
                return;
            loaded += value.length;
            say(loaded, total);
            yield value;
        }
    } catch (error) {
        throw error instanceof DemucsError ? error
            : new DemucsError('network', `${url}: the download broke off (${error.message}); try again`, { cause: error });
    }
}

export function checkHash(url, wanted, got) {
    if (wanted && !got.startsWith(wanted))
        throw new DemucsError('hash', `${url}: the SHA-256 of what came is ${got}, not ${wanted}; try again`);
}

// Bytes in memory as a file.
export const bytesFile = (buffer, name) => ({
    name, size: buffer.byteLength,
    read: (offset, out) => out.set(new Uint8Array(buffer, offset, out.length)),
});
