// demucs-onnx in Node.
import fs from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DemucsOf } from './lib/demucs.js';
import { DemucsError } from './lib/errors.js';

export { DemucsError };

// An existing file takes precedence over a released name.
function modelOf(model) {
    const text = model instanceof URL ? model.href : model;
    if (typeof text === 'string') {
        if (text.startsWith('file:'))
            return { path: fileURLToPath(text) };
        if (/^https?:/.test(text))
            return { url: text };
        return /^[\w-]+$/.test(text) && !fs.existsSync(text) ? { name: text } : { path: text };
    }
    if (model instanceof ArrayBuffer)
        return { bytes: model };
    if (ArrayBuffer.isView(model))
        return { bytes: model.buffer.slice(model.byteOffset, model.byteOffset + model.byteLength) };
    if (Array.isArray(model?.models))
        return { ...model, models: model.models.map(modelOf) };
    throw new DemucsError('argument', 'model: a released name, a path, a URL, an ArrayBuffer, or { models, weights }');
}

function startWorker(onMessage, onError) {
    const worker = new Worker(new URL('./worker-node.js', import.meta.url));
    worker.on('message', onMessage);
    worker.on('error', onError);
    return {
        post: (message, transfer = []) => worker.postMessage(message, transfer),
        terminate: () => worker.terminate(),
    };
}

export class Demucs extends DemucsOf {
    static open(options) {
        return this.start({ startWorker, model: modelOf, shared: true,
            processors: os.availableParallelism?.() ?? os.cpus().length }, options);
    }

    static released() {
        return this.releasedBy({ startWorker });
    }
}
