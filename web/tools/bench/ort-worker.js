// onnxruntime-web on our graph, as its documentation has it.
import * as ort from '/ort/ort.wasm.min.mjs';

let session;

async function open({ open: model, threads }) {
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = '/ort/';
    session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
    return { isa: 'onnxruntime-web', threads };
}

// Mean and unbiased deviation of the mono mix.
function level([a, b]) {
    let sum = 0, square = 0;
    for (let i = 0; i < a.length; i++)
        sum += (a[i] + b[i]) / 2;
    const mean = sum / a.length;
    for (let i = 0; i < a.length; i++)
        square += ((a[i] + b[i]) / 2 - mean) ** 2;
    return [Math.fround(mean), Math.fround(Math.sqrt(square / (a.length - 1))) + 1e-8];
}

async function run({ planes }) {
    const n = planes[0].length, [mean, scale] = level(planes), mix = new Float32Array(2 * n);
    planes.forEach((plane, c) => mix.set(plane.map(x => (x - mean) / scale), c * n));
    const feed = { [session.inputNames[0]]: new ort.Tensor('float32', mix, [1, 2, n]) };
    const { data } = (await session.run(feed))[session.outputNames[0]];
    return data.map(y => y * scale + mean);
}

onmessage = async ({ data }) => {
    try {
        postMessage({ result: await (data.open ? open(data) : run(data)) });
    } catch (error) {
        postMessage({ error: String(error?.message ?? error) });
    }
};
