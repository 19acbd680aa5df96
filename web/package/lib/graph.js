// Separates with networks that the caller runs, such as exported graphs in
// onnxruntime-web. Level, segments, overlap, shifts and bags are the module's,
// which is asked step by step.
import { aborted, checkRate, matchChannels, planesOf } from './audio.js';
import { DemucsError } from './errors.js';
import { needSimd, variant } from './features.js';
import { Module } from './module.js';
import { describeOnnx } from './onnx-file.js';
import { separatorOptions } from './options.js';

const RUN_GRAPH = -2; // web_track_pull, web/module/module.h

const bytesOf = graph => {
    if (graph instanceof ArrayBuffer)
        return new Uint8Array(graph);
    if (ArrayBuffer.isView(graph))
        return new Uint8Array(graph.buffer, graph.byteOffset, graph.byteLength);
    throw new DemucsError('argument', 'graph: give the bytes of the .onnx file');
};

function checkModels(models) {
    for (const { run } of models)
        if (typeof run !== 'function')
            throw new DemucsError('argument', 'run: give a function that runs the graph on one segment');
    return models.map(({ graph, run }, i) => ({ name: `model-${i + 1}.onnx`, run, description: describeOnnx(bytesOf(graph)) }));
}

export class GraphDemucsOf {
    #module; #separator = 0; #models; #busy = false;

    static async start(compile, { graph, run, models = [{ graph, run }], weights, onWarning, ...options }) {
        needSimd();
        const d = new this();
        d.#models = checkModels(models);
        d.#module = await Module.open(await compile(variant(1)), { threads: 1,
            host: module => ({ warn: at => onWarning?.(module.text(at)) }) });
        d.#open(weights, options);
        return d;
    }

    #open(weights, options) {
        const json = JSON.stringify({ ...separatorOptions(options),
            models: this.#models.map(m => m.name), weights: weights ?? null,
            graphs: Object.fromEntries(this.#models.map(m => [m.name, m.description])) });
        const { e } = this.#module;
        this.#separator = this.#module.withText(json, at => e.web_open(at));
        if (this.#separator === 0)
            throw this.#module.error();
        const d = this.#module.json(e.web_describe(this.#separator));
        Object.assign(this, { sources: d.sources, stems: d.stems, sampleRate: d.sample_rate,
            channels: d.channels, segment: d.segment });
    }

    async *separate(audio, { onProgress, signal, exactSum = false } = {}) {
        if (this.#module === undefined)
            throw new DemucsError('argument', 'close() was called');
        if (this.#busy)
            throw new DemucsError('argument', 'one song at a time: read the parts of the one before to the end');
        checkRate(audio, this.sampleRate);
        const planes = matchChannels(planesOf(audio), this.channels);
        const { e } = this.#module;
        this.#busy = true;
        const track = e.web_track_open(this.#separator, exactSum ? 1 : 0);
        try {
            if (track === 0)
                throw this.#module.error();
            yield* this.#run(track, planes, onProgress, signal);
        } finally {
            this.#busy = false;
            if (this.#module !== undefined)
                e.web_track_close(track);
        }
    }

    async *#run(track, planes, onProgress, signal) {
        const { e } = this.#module, frames = planes[0].length;
        let start = 0;
        for (let at = 0; at < frames;) {
            const n = this.#fill(track, planes, at);
            this.#check(e.web_track_measure(track, n) === 0);
            at += n;
        }
        for (let at = 0, taken = 1; taken > 0; at += taken) {
            taken = e.web_track_push(track, this.#fill(track, planes, at));
            this.#check(taken >= 0);
            for (let n; (n = await this.#pull(track, signal)) > 0; start += n) {
                yield this.#part(track, start, n);
                onProgress?.(Math.min(1, (start + n) / frames));
            }
        }
    }

    // The next frames of the song into the module's rows; how many.
    #fill(track, planes, at) {
        const { e } = this.#module;
        const n = Math.min(e.web_track_block(), planes[0].length - at);
        const rows = this.#module.u32(e.web_track_input(track) >>> 0, this.channels);
        for (let c = 0; c < this.channels; c++)
            this.#module.f32(rows[c], n).set(planes[c].subarray(at, at + n));
        return n;
    }

    #check(fine) {
        if (!fine)
            throw this.#module.error();
    }

    async #pull(track, signal) {
        for (;;) {
            signal?.throwIfAborted();
            const n = this.#module.e.web_track_pull(track);
            if (n !== RUN_GRAPH) {
                this.#check(n >= 0);
                return n;
            }
            await this.#runGraph();
            if (this.#module === undefined)
                throw aborted();
        }
    }

    async #runGraph() {
        const { e } = this.#module;
        const [name, input, output, floats, ...dims] = this.#module.u32(e.web_graph_request() >>> 0, 7);
        const model = this.#models.find(m => m.name === this.#module.text(name));
        const mix = this.#module.f32(input, dims.reduce((n, d) => n * d)).slice();
        const stems = await model.run(mix, dims, { input: model.description.inputs[0].name,
            output: model.description.outputs[0].name });
        if (!(stems instanceof Float32Array) || stems.length !== floats)
            throw new DemucsError('argument', `run: gave ${stems?.length ?? 'no'} numbers; the graph's first output has ${floats}, as a Float32Array`);
        if (this.#module === undefined) // closed meanwhile
            return;
        this.#module.f32(output, floats).set(stems);
        e.web_graph_answer();
    }

    #part(track, start, frames) {
        const rows = this.#module.u32(this.#module.e.web_track_stems(track) >>> 0, this.stems.length * this.channels);
        const plane = row => this.#module.f32(rows[row], frames).slice();
        return { start, frames, stems: Object.fromEntries(this.stems.map((name, s) =>
            [name, Array.from({ length: this.channels }, (_, c) => plane(s * this.channels + c))])) };
    }

    close() {
        this.#module?.close();
        this.#module = undefined;
    }
}
