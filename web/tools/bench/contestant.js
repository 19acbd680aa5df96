// One contestant in a page: this engine, or onnxruntime-web on our graph in a
// worker. Both separate the same track of one segment.
import { Demucs } from '/package/index.js';
import { collect, compare, consume, halves } from './common.js';

const floats = async url => new Float32Array(await (await fetch(url)).arrayBuffer());
let run, whole, got;

async function openDemucs(options, planes) {
    const demucs = await Demucs.open({ model: '/data/full.safetensors', overlap: 0, ...options });
    run = () => consume(demucs, planes);
    whole = () => collect(demucs, planes);
    window.measure = () => demucs.measure();
    return { isa: demucs.isa, threads: demucs.threads };
}

function openOrt({ threads }, planes) {
    const worker = new Worker('ort-worker.js', { type: 'module' });
    const ask = message => new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => data.error ? reject(new Error(data.error)) : resolve(data.result);
        worker.onerror = reject;
        worker.postMessage(message);
    });
    run = () => ask({ planes });
    return ask({ open: '/data/full.onnx', threads });
}

window.open_ = async ({ ort, ...options }) => {
    const planes = halves(await floats('/data/mix.f32'));
    return ort ? openOrt(options, planes) : openDemucs(options, planes);
};

window.step = async () => {
    got = undefined;
    const before = performance.now();
    got = await run();
    return { wall: (performance.now() - before) / 1e3 };
};

// Apart, so that memory can be read before.
window.error_ = async () => compare(got ?? await whole(), await floats('/data/stems.f32'));
