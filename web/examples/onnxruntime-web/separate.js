// An exported graph in onnxruntime-web: the session is ours to make, all around
// it (level, segments, overlap, shifts) is the WebAssembly module's.
import { GraphDemucs } from 'demucs-onnx/graph.js';

// ort: 'onnxruntime-web/wasm' or 'onnxruntime-web/webgpu'. graph: the file's
// bytes. Gives { demucs, close() }.
export async function openGraph(ort, graph, { provider = 'wasm', session: given, ...options } = {}) {
    const session = await ort.InferenceSession.create(graph, { executionProviders: [provider], ...given });
    const run = async (mix, dims, { input, output }) => {
        const feed = new ort.Tensor('float32', mix, dims);
        const { [output]: stems } = await session.run({ [input]: feed }, [output]);
        const data = await stems.getData(); // from the GPU, where it is there
        stems.dispose();
        return data;
    };
    const demucs = await GraphDemucs.open({ graph, run, ...options });
    return {
        demucs,
        async close() {
            demucs.close();
            await session.release();
        },
    };
}

// A song's stems, { name: planes }.
export async function separateAll(demucs, audio, options) {
    const frames = Array.isArray(audio) ? audio[0].length : audio.length;
    const stems = Object.fromEntries(demucs.stems.map(name =>
        [name, Array.from({ length: demucs.channels }, () => new Float32Array(frames))]));
    for await (const part of demucs.separate(audio, options))
        for (const [name, planes] of Object.entries(part.stems))
            planes.forEach((plane, c) => stems[name][c].set(plane, part.start));
    return stems;
}
