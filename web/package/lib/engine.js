// The worker's side: one module, the models it has open, one track at a time.
import { matchChannels, release } from './audio.js';
import { packError } from './errors.js';
import { hasRelaxedSimd, hasRightDot, needSimd, variant } from './features.js';
import { Module } from './module.js';
import { bytesFile, findModel } from './models.js';
import { separatorOptions } from './options.js';

const PART = 65536;        // frames that go to the page at a time
const PROGRESS_EVERY = 40; // milliseconds
const NOTES = 'precision/'; // begins the names of what was proved

// platform: compile(name), startThread(message), files(module, cache), post.
// files(): a store as in models.js, whose notes() gives { get(name), keep(name,
// text) }: small texts that are kept, read at once and written later.
export class Engine {
    #platform; #module; #separator = 0; #opened; #files = new Map(); #model;
    #track; #control; #last = 0; #stage; #unread; #notes; #unkept = new Map();

    constructor(platform) {
        this.#platform = platform;
    }

    // ------------------------------------------------------------ the host

    #host = module => ({
        file_size: name => this.#file(module.text(name))?.size ?? -1,
        file_read: (name, offset, out, size) => {
            try {
                const file = this.#file(module.text(name));
                file.read(offset, module.u8(out >>> 0, size));
                return 0;
            } catch (error) {
                this.#unread = error;
                return 1;
            }
        },
        keep: (name, text) => {
            this.#unkept.set(module.text(name), module.text(text));
            return 0;
        },
        warn: at => this.#warn(module.text(at)),
        progress: (stage, fraction) => this.#progress(module.text(stage), fraction),
        read: (planes, capacity) => this.#read(planes >>> 0, capacity),
        rewind: () => {
            this.#track.position = 0;
            return 0;
        },
        write: (planes, frames) => this.#write(planes >>> 0, frames),
    });

    #file(name) {
        const text = name.startsWith(NOTES)
            ? this.#unkept.get(name) ?? this.#notes?.get(name.slice(NOTES.length)) : undefined;
        return text === undefined ? this.#files.get(name)
            : bytesFile(new TextEncoder().encode(text).buffer, name);
    }

    async #keepNotes() {
        for (const [name, text] of this.#unkept)
            try {
                this.#unkept.delete(name);
                await this.#notes?.keep(name.slice(NOTES.length), text);
            } catch (error) {
                this.#warn(`${name}: what was proved can't be kept (${error.message}); it will be proved again next time`);
            }
    }

    #warn(message) {
        this.#platform.post({ warning: message });
    }

    #progress(stage, fraction) {
        const now = performance.now();
        if (stage !== this.#stage || now - this.#last > PROGRESS_EVERY || fraction >= 1) {
            this.#stage = stage;
            this.#last = now;
            this.#platform.post({ progress: { stage, fraction } });
        }
        return this.#control ? Atomics.load(this.#control, 0) : 0;
    }

    #read(list, capacity) {
        const t = this.#track;
        const frames = Math.min(capacity, t.frames - t.position);
        const planes = this.#module.u32(list, t.channels);
        for (let c = 0; c < t.channels; c++)
            this.#module.f32(planes[c], frames).set(
                t.planes[c].subarray(t.position, t.position + frames));
        t.position += frames;
        return frames;
    }

    #write(list, frames) {
        const t = this.#track;
        const planes = this.#module.u32(list, t.rows);
        for (let done = 0; done < frames;) {
            const n = Math.min(frames - done, PART - t.filled);
            for (let r = 0; r < t.rows; r++)
                t.part.set(this.#module.f32(planes[r] + 4 * done, n), r * PART + t.filled);
            t.filled += n;
            done += n;
            if (t.filled === PART)
                this.#sendPart();
        }
        return 0;
    }

    // Rows lie in one buffer, as large as engines give back to the system when it is freed.
    #sendPart() {
        const t = this.#track, frames = t.filled;
        if (frames === 0)
            return;
        for (let r = 1; r < t.rows; r++)
            t.part.copyWithin(r * frames, r * PART, r * PART + frames);
        const samples = t.part.subarray(0, t.rows * frames);
        this.#platform.post({ part: { start: t.written, frames, samples } }, [samples.buffer]);
        t.written += frames;
        t.filled = 0;
        t.part = new Float32Array(t.rows * PART);
    }

    // ------------------------------------------------------------- opening

    async open({ model, threads, lowMemory, precision, integers, cache, control, defaults }) {
        needSimd();
        this.#control = control;
        const compiled = await this.#platform.compile(variant(threads));
        this.#module = await Module.open(compiled, { threads,
            host: this.#host, startThread: this.#platform.startThread });
        const store = await this.#platform.files(this.#module, cache);
        const say = (loaded, total) => this.#platform.post({ download: { loaded, total } });
        this.#model = await findModel(model, this.#released(), store, say);
        for (const file of this.#model.files)
            this.#files.set(file.name, file);
        const wrong = precision !== 'exact' && hasRelaxedSimd() && !hasRightDot();
        Object.assign(this.#model, { lowMemory, precision, integers, unusable: wrong ? ['int8'] : undefined });
        this.#notes = precision === 'exact' ? undefined : await store.notes();
        const described = this.#openReleasing(defaults);
        await this.#keepNotes();
        return { ...described, cached: this.#model.cached, heapBytes: this.#module.bytes };
    }

    #released() {
        return this.#module.json(this.#module.e.web_released());
    }

    // Needs no model.
    async released() {
        needSimd();
        this.#module = await Module.open(await this.#platform.compile(variant(1)), { threads: 1, host: this.#host });
        return this.#released();
    }

    // Handles of cached files are released as soon as the model is open.
    #openReleasing(options) {
        try {
            return this.#openSeparator(options);
        } finally {
            for (const file of this.#files.values())
                file.release?.();
        }
    }

    // Reopens the separator only when its options change.
    #openSeparator(options) {
        const json = JSON.stringify({
            models: this.#model.files.map(file => file.name),
            weights: this.#model.weights ?? null,
            ...separatorOptions({ ...options, segment: options.segment ?? this.#model.segment }),
            low_memory: Boolean(this.#model.lowMemory),
            precision: this.#model.precision,
            ...(this.#model.integers ? { integers: this.#model.integers } : {}),
            ...(this.#model.unusable ? { unusable: this.#model.unusable } : {}),
        });
        if (this.#opened?.json === json)
            return this.#opened.described;
        const { e } = this.#module;
        e.web_close(this.#separator);
        this.#opened = this.#unread = undefined;
        this.#separator = this.#module.withText(json, at => e.web_open(at));
        if (this.#separator === 0)
            throw this.#unread ?? this.#module.error();
        const described = this.#module.json(e.web_describe(this.#separator));
        this.#opened = { json, described };
        for (const { model, precision, note } of described.precision ?? [])
            if (note)
                this.#warn(`${model}: ${precision}: ${note}`);
        return described;
    }

    // ---------------------------------------------------------- separating

    async separate({ planes, options }) {
        const described = this.#openSeparator(options);
        await this.#keepNotes();
        const { channels, stems } = described, frames = planes[0].length;
        const rows = stems.length * channels;
        this.#track = { planes: matchChannels(planes, channels), frames, channels, rows,
            position: 0, written: 0, filled: 0, part: new Float32Array(rows * PART) };
        this.#platform.post({ stems });
        const failed = this.#module.e.web_separate(this.#separator, frames, options.exactSum ? 1 : 0);
        if (failed === 0)
            this.#sendPart();
        release([...planes, this.#track.part]);
        this.#track = undefined;
        if (failed !== 0)
            throw this.#module.error();
        return { frames, heapBytes: this.#module.bytes };
    }

    measure({ rounds, columns, repeats }) {
        const { e } = this.#module;
        const [product, int16, int8] = [0, 1, 2].map(number => e.web_measure_product(number, columns, repeats));
        return { fma: e.web_measure_fma(rounds), product, int16, int8 };
    }
}

// Answers messages { id, call, argument } one after another.
export function serve(platform) {
    const engine = new Engine(platform);
    let turn = Promise.resolve();
    return ({ id, call, argument }) => {
        turn = turn.then(async () => {
            try {
                platform.post({ id, result: await engine[call](argument) });
            } catch (error) {
                const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
                platform.post({ id, broken: trapped, error: packError(error) });
            }
        });
    };
}
