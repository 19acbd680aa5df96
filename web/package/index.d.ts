/**
 * Demucs music separation in a page or in Node: the original checkpoints, read
 * and run in WebAssembly by the engine of demucs-onnx.
 */

/** A released name ("htdemucs"), an address, or the file itself; in Node also a path. */
export type ModelFile = string | URL | Blob | ArrayBuffer | Uint8Array;

/** Several models that are averaged, as a bag. */
export interface ModelBag {
    models: ModelFile[];
    /** [model][source]; missing: all 1. */
    weights?: number[][];
    /** Seconds of a segment; missing: the models' own. */
    segment?: number;
}

export interface SeparateOptions {
    /** Stems wanted; missing: all. */
    stems?: string[];
    /** Of neighbouring segments, 0 to 0.99; default 0.25. */
    overlap?: number;
    /** Random time offsets that are averaged, 0 to 100; default 0. */
    shifts?: number;
    /** Of the offsets, as in Python; default 0. */
    seed?: number;
    /** Seconds of a segment, at most the model's own, which is the default. */
    segment?: number;
    /** Sharpness of the transitions between segments, 1 to 32; default 1. */
    transitionPower?: number;
    /** Spread what is left of the mix over the stems, so that they sum to it. */
    exactSum?: boolean;
}

export interface OpenOptions extends SeparateOptions {
    /** A checkpoint: .th or .safetensors. */
    model: ModelFile | ModelBag;
    /**
     * Default: the processors, at most 8. More than one needs a page that is
     * cross-origin isolated; see Demucs.threadsReason.
     */
    threads?: number;
    /** Keep float16 weights as they are: half the memory for them, slower. */
    lowMemory?: boolean;
    /**
     * Arithmetic of products: "exact" (the default) is float32; "int16" and
     * "int8" take integers where they are faster here, and keep 60 or 45 dB of
     * signal to noise against exact, which is proved on the model's weights when
     * it is opened first; see Demucs.precision.
     */
    precision?: 'exact' | 'int16' | 'int8';
    /**
     * Which integers are faster here than float32, and than wider ones. Missing:
     * measured, a part of a second, when precision is not "exact".
     */
    integers?: ('int16' | 'int8')[];
    /**
     * Where downloads, and proofs of precision, are kept. true (the default): in a page the folder
     * "demucs-models" of the origin's private file system, in Node the native
     * program's cache folder. A string names another. false: nowhere.
     */
    cache?: boolean | string;
    /** Bytes of the download so far, and of all when they are known. */
    onDownload?(loaded: number, total: number | undefined): void;
    /**
     * While the model is opened: 0 to 1 of a stage, "check" (the file's
     * checksums), "load" (its weights), both once a model of a bag, and "prove".
     */
    onProgress?(fraction: number, stage: string): void;
    /** One line that the user should see, such as a checksum that is not the name's. */
    onWarning?(message: string): void;
    signal?: AbortSignal;
}

export interface RunOptions extends SeparateOptions {
    /** 0 to 1; stage is "measure" (level and length), then "separate". */
    onProgress?(fraction: number, stage: string): void;
    /**
     * Acts within a segment. Without shared memory it ends the worker; the next
     * song starts it again. The parts end with the signal's reason.
     */
    signal?: AbortSignal;
    /** Take the arrays over instead of copying them; they are empty afterwards. */
    transfer?: boolean;
    /**
     * A part's arrays are the caller's only until the next part is asked for, and lie in
     * one buffer, which is not to be transferred. Then their memory is free, instead of
     * when garbage is collected: for those who copy the parts.
     */
    lend?: boolean;
}

/** Finished frames of every stem, in order, without gaps. */
export interface Part {
    /** The song's frame where it starts. */
    start: number;
    frames: number;
    /** stems.vocals[channel] */
    stems: Record<string, Float32Array[]>;
}

/** What became of a reduced precision. */
export interface PrecisionReport {
    /** Its file. */
    model: string;
    precision: 'int16' | 'int8';
    /** Signal to noise of the worst source against "exact", dB: promised, proved. */
    promised: number;
    decibels: number;
    /** Everything is float32, for the reason in `note`. */
    exact: boolean;
    note: string | undefined;
    isa: string;
    /** Per class of layers: "float32", "int16" or "int8". */
    layers: Record<string, string>;
}

export interface ReleasedModel {
    /** What open() takes as model. */
    name: string;
    /** One line for people. */
    kind: string;
    licence: string;
    sources: string[];
    /** Of the download. */
    bytes: number;
}

/** Anything with the methods of an AudioBuffer. */
export interface AudioLike {
    readonly numberOfChannels: number;
    readonly sampleRate: number;
    getChannelData(channel: number): Float32Array;
}

export class Demucs {
    /** Reads the model in a worker. Fails with DemucsError, or the signal's reason. */
    static open(options: OpenOptions): Promise<Demucs>;
    /** The models that Demucs' authors released and that run here. */
    static released(): Promise<ReleasedModel[]>;
    /** Only in a page: removes all cached models. */
    static clearCache(name?: string): Promise<void>;

    /** What the model knows: drums, bass, other, vocals. */
    readonly sources: string[];
    /** Those that open() asked for, in the model's order. */
    readonly stems: string[];
    /** Hz; audio must have it. */
    readonly sampleRate: number;
    readonly channels: number;
    /** Frames of a segment. */
    readonly segment: number;
    readonly threads: number;
    /** Why there are fewer threads than processors or than asked for, or undefined. */
    readonly threadsReason: string | undefined;
    /** "wasm-simd128" or "wasm-relaxed-simd". */
    readonly isa: string;
    /** Whether the model came from the cache. */
    readonly cached: boolean;
    /** One a model of a reduced precision; none of "exact". */
    readonly precision: PrecisionReport[];
    /** Memory of the module now. */
    readonly heapBytes: number;

    /**
     * Separates one song; one at a time. audio: an AudioBuffer, or one
     * Float32Array a channel. Mono goes into every channel. A caller that stops
     * reading cancels.
     */
    separate(audio: AudioLike | Float32Array[], options?: RunOptions): AsyncGenerator<Part, void, void>;

    /** GFLOP/s of one thread: multiply-adds in registers, and the engine's products. */
    measure(options?: { rounds?: number; columns?: number; repeats?: number }):
        Promise<{ fma: number; product: number; int16: number; int8: number }>;

    /** Ends the worker. Node's process stays alive until then. */
    close(): void;
}

export type DemucsErrorCode = 'argument' | 'unsupported' | 'format' | 'model' | 'limit'
    | 'hash' | 'io' | 'network' | 'memory' | 'runtime' | 'check' | 'worker';

/** The message is one line for people: what went wrong, where, what to do. */
export class DemucsError extends Error {
    readonly code: DemucsErrorCode;
}
