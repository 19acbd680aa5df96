// demucs-onnx in a page.
import { DemucsOf } from './lib/demucs.js';
import { DemucsError } from './lib/errors.js';

export { DemucsError };

function refused() {
    if (!globalThis.crossOriginIsolated)
        return 'this page is not cross-origin isolated, so it gets no shared memory: serve it with '
            + 'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
    return typeof SharedArrayBuffer === 'undefined'
        ? 'this browser has no shared memory; Chrome 92, Firefox 79, Safari 15.2 and later have it' : undefined;
}

// A plain word is a released name; anything else is a URL.
function modelOf(model) {
    if (typeof model === 'string' && /^[\w-]+$/.test(model))
        return { name: model };
    if (typeof model === 'string' || model instanceof URL)
        return { url: new URL(model, globalThis.document?.baseURI ?? globalThis.location?.href).href };
    if (model instanceof Blob)
        return { blob: model };
    if (model instanceof ArrayBuffer)
        return { bytes: model };
    if (Array.isArray(model?.models))
        return { ...model, models: model.models.map(modelOf) };
    throw new DemucsError('argument', 'model: a released name, a URL, a Blob, an ArrayBuffer, or { models, weights }');
}

function startWorker(onMessage, onError) {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => onMessage(data);
    worker.onerror = onError;
    return {
        post: (message, transfer = []) => worker.postMessage(message, transfer),
        terminate: () => worker.terminate(),
    };
}

const CACHE = 'demucs-models';

export class Demucs extends DemucsOf {
    static open(options) {
        const threadsRefused = refused();
        return this.start({ startWorker, model: modelOf, threadsRefused,
            shared: threadsRefused === undefined,
            processors: globalThis.navigator?.hardwareConcurrency || 1 },
        { ...options, cache: options?.cache === true || options?.cache === undefined ? CACHE : options.cache });
    }

    static released() {
        return this.releasedBy({ startWorker });
    }

    static async clearCache(name = CACHE) {
        const root = await navigator.storage.getDirectory();
        await root.removeEntry(name, { recursive: true }).catch(error => {
            if (error.name !== 'NotFoundError')
                throw error;
        });
    }
}
