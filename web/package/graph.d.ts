/**
 * Demucs music separation with a network that you run: an ONNX file of
 * `demucs-onnx export` in onnxruntime-web, say. Level, segments, overlap,
 * shifts, bags and sums are the WebAssembly module's, as in Demucs.
 */
import type { AudioLike, Part, SeparateOptions } from './index.js';

export { DemucsError } from './index.js';

/**
 * Runs the network on one segment: `mix` has the shape `dims` (batch, channels,
 * samples), already normalised. Gives the first output, (batch, sources,
 * channels, samples), row by row.
 */
export type RunGraph = (mix: Float32Array, dims: [number, number, number],
    names: { input: string; output: string }) => Promise<Float32Array> | Float32Array;

export interface Graph {
    /** The file, of which shapes and metadata are read; the weights are yours. */
    graph: ArrayBuffer | ArrayBufferView;
    run: RunGraph;
}

export interface GraphOptions extends Omit<SeparateOptions, 'exactSum'>, Partial<Graph> {
    /** In place of graph and run: several that are averaged, as a bag. */
    models?: Graph[];
    /** [model][source]; missing: all 1. */
    weights?: number[][];
    /** One line that the user should see. */
    onWarning?(message: string): void;
}

/** Works where it is called, page or worker, with one thread and no isolation. */
export class GraphDemucs {
    /** Fails with DemucsError. */
    static open(options: GraphOptions): Promise<GraphDemucs>;

    readonly sources: string[];
    readonly stems: string[];
    /** Hz; audio must have it. */
    readonly sampleRate: number;
    readonly channels: number;
    /** Frames of a segment. */
    readonly segment: number;

    /**
     * Separates one song; one at a time. What `run` throws, it throws. signal
     * acts between segments.
     */
    separate(audio: AudioLike | Float32Array[], options?: {
        exactSum?: boolean;
        onProgress?(fraction: number): void;
        signal?: AbortSignal;
    }): AsyncGenerator<Part, void, void>;

    close(): void;
}
