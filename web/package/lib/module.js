// The WebAssembly module: its memory, what it asks of its host, its threads.
// web/module/module.h documents both sides.
import { DemucsError } from './errors.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

// What wasi-libc imports: a clock, an empty environment, and somewhere to print
// before it aborts.
function wasi(memory) {
    const view = () => new DataView(memory().buffer);
    return {
        clock_time_get(id, precision, out) {
            view().setBigUint64(out, BigInt(Math.round(performance.now() * 1e6)), true);
            return 0;
        },
        environ_sizes_get(count, size) {
            view().setUint32(count, 0, true);
            view().setUint32(size, 0, true);
            return 0;
        },
        environ_get: () => 0,
        fd_write(fd, vectors, count, out) {
            let n = 0;
            for (let i = 0; i < count; i++) {
                const at = view().getUint32(vectors + 8 * i, true);
                const size = view().getUint32(vectors + 8 * i + 4, true);
                console.error(decoder.decode(new Uint8Array(memory().buffer, at, size).slice()));
                n += size;
            }
            view().setUint32(out, n, true);
            return 0;
        },
        fd_close: () => 0,
        fd_seek: () => 0,
        proc_exit(code) {
            throw new Error(`the module ended with ${code}`);
        },
    };
}

const nothing = () => -1;

// The rest of WASI, which a module may import; every call fails.
const ENOSYS = 52;
const absent = module => Object.fromEntries(WebAssembly.Module.imports(module)
    .filter(i => i.module === 'wasi_snapshot_preview1').map(i => [i.name, () => ENOSYS]));

// An instance; threads have one each, on the same memory.
export async function instantiate(module, { memory, host = {} }) {
    let own;
    const imports = {
        wasi_snapshot_preview1: { ...absent(module), ...wasi(() => memory ?? own) },
        host: { file_size: nothing, file_read: nothing, progress: () => 0, warn: () => {},
            keep: nothing, read: nothing, rewind: nothing, write: nothing, ...host },
        env: { memory },
    };
    const { exports } = await WebAssembly.instantiate(module, imports);
    own = exports.memory;
    return exports;
}

const PAGE = 65536;
const FIRST_PAGES = 64; // the module's own data and its first stack
const STACK = 262144;   // of each further thread

// Reserves addresses only; a phone may not have so many.
function sharedMemory() {
    for (let maximum = 65536; ; maximum /= 2)
        try {
            return new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared: true });
        } catch (error) {
            if (maximum <= 8192)
                throw new DemucsError('memory', 'the browser gives no shared memory; close other tabs', { cause: error });
        }
}

export class Module {
    #memory;

    // startThread(message) gives a promise of something with terminate().
    static async open(module, { threads, host, startThread }) {
        const m = new Module();
        const shared = WebAssembly.Module.imports(module).some(i => i.kind === 'memory');
        const memory = shared ? sharedMemory() : undefined;
        m.e = await instantiate(module, { memory, host: host(m) });
        m.#memory = memory ?? m.e.memory;
        m.e._initialize();
        m.workers = [];
        const count = shared ? Math.min(threads - 1, m.e.web_most_threads()) : 0;
        for (let number = 0; number < count; number++)
            try {
                const stack = m.alloc(STACK) + STACK;
                m.workers.push(await startThread({ module, memory, number, stack }));
            } catch { // fewer threads than asked for
                break;
            }
        m.e.web_threads(m.workers.length);
        return m;
    }

    get bytes() {
        return this.#memory.buffer.byteLength;
    }

    u8(at, size) {
        return new Uint8Array(this.#memory.buffer, at, size);
    }

    f32(at, count) {
        return new Float32Array(this.#memory.buffer, at, count);
    }

    u32(at, count) {
        return new Uint32Array(this.#memory.buffer, at, count);
    }

    alloc(size) {
        const at = this.e.web_alloc(size) >>> 0;
        if (at === 0)
            throw new DemucsError('memory', `no memory for ${size} bytes; close other tabs or use a smaller model`);
        return at;
    }

    // The text at an address that the module gave.
    text(at) {
        at >>>= 0;
        const all = new Uint8Array(this.#memory.buffer);
        return decoder.decode(all.slice(at, all.indexOf(0, at)));
    }

    // Calls f with the address of a text.
    withText(text, f) {
        const bytes = encoder.encode(`${text}\0`);
        const at = this.alloc(bytes.length);
        try {
            this.u8(at, bytes.length).set(bytes);
            return f(at);
        } finally {
            this.e.web_free(at);
        }
    }

    // JSON that the module gives away.
    json(at) {
        if (at === 0)
            throw new DemucsError('memory', 'no memory');
        const value = JSON.parse(this.text(at));
        this.e.web_free_text(at);
        return value;
    }

    error() {
        return new DemucsError(this.text(this.e.web_error_kind()), this.text(this.e.web_error()));
    }

    hasher() {
        const { e } = this;
        const size = 1 << 18, state = e.web_sha256_open(), at = this.alloc(size);
        return {
            update: bytes => {
                for (let i = 0; i < bytes.length; i += size) {
                    const part = bytes.subarray(i, i + size);
                    this.u8(at, part.length).set(part);
                    e.web_sha256_update(state, at, part.length);
                }
            },
            finish: () => {
                e.web_sha256_finish(state, at);
                const hex = this.text(at);
                e.web_free(at);
                return hex;
            },
        };
    }

    close() {
        for (const worker of this.workers)
            worker.terminate();
    }
}
