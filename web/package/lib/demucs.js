// What users call, for any platform:
//   startWorker(onMessage, onError) -> { post(message, transfer), terminate() }
//   processors, model(model) -> what lib/models.js takes,
//   threadsRefused: why there can be one thread only, or undefined
import { aborted, checkRate, planesOf, release } from './audio.js';
import { DemucsError, unpackError } from './errors.js';

const MOST_THREADS = 8; // with more cores, some are usually slow ones

const reported = p => ({ model: p.model, precision: p.precision, promised: p.promise_db,
    decibels: p.snr_db ?? Infinity, exact: p.exact, note: p.note, isa: p.isa, layers: p.layers });

const copied = stems => Object.fromEntries(
    Object.entries(stems).map(([name, planes]) => [name, planes.map(p => p.slice())]));

export class DemucsOf {
    #platform; #worker; #message; #next = 0; #waiting = new Map();
    #listener = {}; #control; #busy = false; #closed = false; #warn;

    static async start(platform, options = {}) {
        const d = new this();
        await d.#open(platform, options);
        return d;
    }

    static async releasedBy(platform) {
        const d = new this();
        d.#platform = platform;
        d.#launch();
        try {
            return await d.#ask('released');
        } finally {
            d.#end();
        }
    }

    #launch() {
        this.#worker = this.#platform.startWorker(
            message => this.#take(message),
            error => this.#end(new DemucsError('worker', `the worker failed: ${error?.message ?? 'its script can\'t be loaded'}`)));
    }

    async #open(platform, { model, threads, lowMemory = false, precision = 'exact', integers,
        cache = true, onDownload, onProgress, onWarning, signal, ...defaults }) {
        if (model === undefined)
            throw new DemucsError('argument', 'model: give a released name, a URL, or the file');
        this.#platform = platform;
        this.#warn = onWarning;
        if (platform.shared)
            this.#control = new Int32Array(new SharedArrayBuffer(4));
        const most = threads ?? Math.min(platform.processors, MOST_THREADS);
        this.threadsReason = most > 1 ? platform.threadsRefused : undefined;
        this.#message = { model: platform.model(model), lowMemory, precision, integers, cache, defaults,
            threads: this.threadsReason ? 1 : Math.max(1, most), control: this.#control };
        this.#listener = { onDownload, onProgress };
        await this.#startWorker(signal);
    }

    // Also restarts a worker that was terminated in the middle of its work.
    async #startWorker(signal) {
        signal?.throwIfAborted();
        const stop = () => this.#end(aborted(signal));
        signal?.addEventListener('abort', stop, { once: true });
        try {
            this.#launch();
            const described = await this.#ask('open', this.#message);
            this.#describe(described);
        } catch (error) {
            this.#end(error);
            throw error;
        } finally {
            signal?.removeEventListener('abort', stop);
        }
    }

    #describe(d) {
        this.sources = d.sources;
        this.stems = d.stems;
        this.sampleRate = d.sample_rate;
        this.channels = d.channels;
        this.segment = d.segment;
        this.isa = d.isa;
        this.threads = d.threads;
        this.cached = d.cached;
        this.precision = (d.precision ?? []).map(reported);
        this.heapBytes = d.heapBytes;
        if (this.#message.threads > 1 && d.threads < this.#message.threads)
            this.threadsReason = `the browser started ${d.threads - 1} of ${this.#message.threads - 1} threads`;
    }

    #ask(call, argument, transfer) {
        const id = ++this.#next;
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject });
            this.#worker.post({ id, call, argument }, transfer);
        });
    }

    #take(message) {
        const l = this.#listener;
        if (message.download)
            l.onDownload?.(message.download.loaded, message.download.total);
        else if (message.progress)
            l.onProgress?.(message.progress.fraction, message.progress.stage);
        else if (message.warning !== undefined)
            this.#warn?.(message.warning);
        else if (message.stems)
            l.onStems?.(message.stems);
        else if (message.part)
            l.onPart?.(message.part);
        else
            this.#settle(message);
    }

    #settle({ id, result, error, broken }) {
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (broken) // its memory is in an unknown state
            this.#end();
        if (error)
            waiting?.reject(unpackError(error));
        else
            waiting?.resolve(result);
    }

    #end(error) {
        this.#worker?.terminate();
        this.#worker = undefined;
        for (const { reject } of this.#waiting.values())
            reject(error ?? new DemucsError('worker', 'the worker was ended'));
        this.#waiting.clear();
    }

    async *separate(audio, options = {}) {
        const { onProgress, signal, transfer = false, lend = false, ...wanted } = options;
        if (this.#closed)
            throw new DemucsError('argument', 'close() was called');
        if (this.#busy)
            throw new DemucsError('argument', 'one song at a time: read the parts of the one before to the end, or cancel it');
        checkRate(audio, this.sampleRate);
        const planes = planesOf(audio).map(p => transfer ? p : p.slice());
        signal?.throwIfAborted();
        this.#busy = true;
        try {
            const given = this.#run(planes, { ...this.#message.defaults, ...wanted }, onProgress, signal);
            for await (const { samples, ...part } of given) {
                if (!lend) {
                    part.stems = copied(part.stems);
                    release([samples]);
                }
                yield part;
                release([samples]);
            }
        } finally {
            this.#busy = false;
        }
    }

    async *#run(planes, options, onProgress, signal) {
        if (this.#worker === undefined)
            await this.#startWorker(signal);
        const parts = [];
        let wake = () => {}, stems, done = false, failure;
        this.#listener = { onProgress,
            onStems: names => { stems = names; },
            onPart: part => { parts.push(part); wake(); } };
        if (this.#control)
            Atomics.store(this.#control, 0, 0);
        const stop = () => this.#cancel(aborted(signal));
        signal?.addEventListener('abort', stop, { once: true });
        const running = this.#ask('separate', { planes, options }, planes.map(p => p.buffer))
            .then(result => { this.heapBytes = result.heapBytes; }, error => { failure = error; })
            .then(() => { done = true; wake(); });
        try {
            for (;;) {
                while (parts.length > 0) {
                    signal?.throwIfAborted();
                    yield this.#part(parts.shift(), stems);
                }
                if (done)
                    break;
                await new Promise(resolve => { wake = resolve; });
            }
            if (failure)
                throw signal?.aborted ? aborted(signal) : failure;
        } finally {
            signal?.removeEventListener('abort', stop);
            if (!done) { // the caller stopped reading
                this.#cancel(new DOMException('cancelled', 'AbortError'));
                await running;
            }
            this.#listener = {};
        }
    }

    #part({ start, frames, samples }, names) {
        const c = this.channels, row = r => samples.subarray(r * frames, (r + 1) * frames);
        return { start, frames, samples, stems: Object.fromEntries(
            names.map((name, i) => [name, Array.from({ length: c }, (_, k) => row(i * c + k))])) };
    }

    // With shared memory, cancelling takes effect within a segment; without it,
    // the worker is terminated, and the next song starts a new one.
    #cancel(error) {
        if (this.#control)
            Atomics.store(this.#control, 0, 1);
        else
            this.#end(error);
    }

    /** GFLOP/s of this thread: multiply-adds alone, and the engine's product. */
    async measure({ rounds = 2e7, columns = 384, repeats = 300 } = {}) {
        if (this.#worker === undefined)
            await this.#startWorker();
        return this.#ask('measure', { rounds, columns, repeats });
    }

    close() {
        this.#closed = true;
        this.#end(new DOMException('closed', 'AbortError'));
    }
}
