// Files in Node: those of the disk, and the program's own cache folder.
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DemucsError } from './errors.js';
import { bytesFile, checkHash, download, MOST_NOTE } from './models.js';

// The native program keeps its models in the same place.
export function cacheFolder() {
    const base = process.env.XDG_CACHE_HOME
        ?? (process.platform === 'win32' ? process.env.LOCALAPPDATA : undefined)
        ?? path.join(os.homedir(), '.cache');
    return path.join(base, 'demucs-onnx');
}

// Identifies a version of a file.
const marks = ({ size, mtimeMs, ino, dev }) => [size, mtimeMs, ino, dev].join();

function openAgain(file) {
    try {
        return fs.openSync(file, 'r');
    } catch (error) {
        throw new DemucsError('io', `${file}: it can't be read any more (${error.code})`, { cause: error });
    }
}

// Looked at more than once: the checksums must be of the weights that are used.
function diskFile(file) {
    let stat;
    try {
        stat = fs.statSync(file);
        if (!stat.isFile())
            throw new Error('not a regular file');
    } catch (error) {
        throw new DemucsError('io', `${file}: ${error.code === 'ENOENT' ? 'no such file' : error.message}`, { cause: error });
    }
    return {
        name: path.basename(file), size: stat.size,
        read(offset, out) {
            const fd = openAgain(file);
            try {
                if (marks(fs.fstatSync(fd)) !== marks(stat))
                    throw new DemucsError('io', `${file}: the file was changed while it was in use; open it again`);
                for (let done = 0; done < out.length;) {
                    const n = fs.readSync(fd, out, done, out.length - done, offset + done);
                    if (n === 0)
                        throw new DemucsError('io', `${file}: the file shrank while it was read`);
                    done += n;
                }
            } finally {
                fs.closeSync(fd);
            }
        },
    };
}

const firstLine = error => String(error.message).split('\n')[0];

// Writes a part file, which is renamed when it is complete and its hash matches.
async function fetchTo(target, url, source, say) {
    const part = `${target}.${randomBytes(6).toString('hex')}.part`;
    const hash = createHash('sha256');
    fs.mkdirSync(path.dirname(target), { recursive: true });
    const out = fs.openSync(part, 'wx');
    try {
        for await (const block of download(url, say)) {
            hash.update(block);
            fs.writeSync(out, block);
        }
        checkHash(url, source.sha256, hash.digest('hex'));
        fs.closeSync(out);
        fs.renameSync(part, target);
    } catch (error) {
        try {
            fs.closeSync(out);
        } catch { /* closed */ }
        fs.rmSync(part, { force: true });
        throw error instanceof DemucsError ? error
            : new DemucsError('io', `${target}: ${firstLine(error)}`, { cause: error });
    }
}

async function fetchIntoMemory(url, source, say) {
    const blocks = [];
    for await (const block of download(url, say))
        blocks.push(block);
    const all = Buffer.concat(blocks);
    checkHash(url, source.sha256, createHash('sha256').update(all).digest('hex'));
    return bytesFile(new Uint8Array(all).buffer, source.name);
}

async function sha256Of(file) {
    const hash = createHash('sha256');
    for await (const block of fs.createReadStream(file))
        hash.update(block);
    return hash.digest('hex');
}

// As the native program keeps them.
function notesOf(folder) {
    return {
        get(name) {
            const file = path.join(folder, name);
            try {
                const { size } = fs.statSync(file);
                return size <= MOST_NOTE ? fs.readFileSync(file, 'utf8') : undefined;
            } catch { // there is none
                return undefined;
            }
        },
        async keep(name, text) {
            const part = path.join(folder, `${name}.${randomBytes(6).toString('hex')}.part`);
            fs.mkdirSync(folder, { recursive: true });
            try {
                fs.writeFileSync(part, text, { flag: 'wx' });
                fs.renameSync(part, path.join(folder, name));
            } catch (error) {
                fs.rmSync(part, { force: true });
                throw error;
            }
        },
    };
}

export async function nodeFiles(module, cache) {
    const folder = cache === true ? cacheFolder() : cache;
    return {
        blob() {
            throw new DemucsError('argument', 'model: give a path, a URL or an ArrayBuffer');
        },
        bytes: bytesFile,
        path: diskFile,
        notes: async () => folder ? notesOf(path.join(folder, 'precision')) : undefined,
        async fetch(url, source, say) {
            if (!folder)
                return { file: await fetchIntoMemory(url, source, say), cached: false };
            const name = source.sha256 ? source.name
                : `url-${createHash('sha256').update(url).digest('hex')}${path.extname(source.name)}`;
            const target = path.join(folder, name);
            const cached = fs.existsSync(target)
                && (!source.sha256 || (await sha256Of(target)).startsWith(source.sha256));
            if (!cached)
                await fetchTo(target, url, source, say);
            return { file: { ...diskFile(target), name: source.name }, cached };
        },
    };
}
