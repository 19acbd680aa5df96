// onnxruntime-web on our graph, as its documentation has it.
import * as ort from '/ort/ort.wasm.min.mjs';
import { runSession } from './common.js';

let session;

async function open({ open: model, threads }) {
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = '/ort/';
    session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
    return { isa: 'onnxruntime-web', threads };
}

onmessage = async ({ data }) => {
    try {
        postMessage({ result: await (data.open ? open(data) : runSession(ort, session, data.planes)) });
    } catch (error) {
        postMessage({ error: String(error?.message ?? error) });
    }
};
