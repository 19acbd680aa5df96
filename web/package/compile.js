// A page's or its worker's modules.
import { DemucsError } from './lib/errors.js';

// Spelled out, so that bundlers find the files.
const wasm = {
    'demucs-simd': () => new URL('./wasm/demucs-simd.wasm', import.meta.url),
    'demucs-simd-threads': () => new URL('./wasm/demucs-simd-threads.wasm', import.meta.url),
    'demucs-relaxed': () => new URL('./wasm/demucs-relaxed.wasm', import.meta.url),
    'demucs-relaxed-threads': () => new URL('./wasm/demucs-relaxed-threads.wasm', import.meta.url),
};

export async function compile(name) {
    const url = wasm[name]();
    const response = await fetch(url).catch(error => {
        throw new DemucsError('network', `${url}: can't be fetched (${error.message})`, { cause: error });
    });
    if (!response.ok)
        throw new DemucsError('network', `${url}: the server answers ${response.status}; the package's wasm folder must be served beside worker.js`);
    // Not compileStreaming: it requires the type application/wasm, which not
    // every server sends
    return WebAssembly.compile(await response.arrayBuffer());
}
