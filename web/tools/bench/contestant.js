// One contestant in a page: this engine, or onnxruntime-web on our graph in a
// worker. Both separate the same track of one segment, normalised as Demucs does.
import { Demucs } from '/package/index.js';

const floats = async url => new Float32Array(await (await fetch(url)).arrayBuffer());
let run, wanted;

async function openOurs({ threads, lowMemory }, planes) {
    const demucs = await Demucs.open({ model: '/data/full.safetensors', threads, lowMemory, cache: false, overlap: 0 });
    run = async () => {
        const got = new Float32Array(wanted.length), n = planes[0].length;
        for await (const { start, stems } of demucs.separate(planes))
            Object.values(stems).flat().forEach((plane, row) => got.set(plane, row * n + start));
        return got;
    };
    const ceiling = await demucs.measure();
    return { isa: demucs.isa, threads: demucs.threads, heap: Math.round(demucs.heapBytes / 1e6), ...ceiling };
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

// Largest difference, as a part of each stem's peak.
function compare(got) {
    const rows = 8, n = wanted.length / rows;
    let worst = 0;
    for (let stem = 0; stem < rows / 2; stem++) {
        let peak = 0, most = 0;
        for (let i = 2 * stem * n; i < 2 * (stem + 1) * n; i++) {
            peak = Math.max(peak, Math.abs(wanted[i]));
            most = Math.max(most, Math.abs(wanted[i] - got[i]));
        }
        worst = Math.max(worst, most / peak);
    }
    return worst;
}

window.open_ = async options => {
    const mix = await floats('/data/mix.f32'), n = mix.length / 2;
    wanted = await floats('/data/stems.f32');
    const planes = [mix.slice(0, n), mix.slice(n)];
    return options.ort ? openOrt(options, planes) : openOurs(options, planes);
};

window.step = async check => {
    const before = performance.now(), got = await run();
    const wall = (performance.now() - before) / 1e3;
    return { wall, error: check ? compare(got) : undefined };
};
