// The page around it: files in, progress, an <audio> element a stem.
import { wavHeader, wavSamples } from '../../package/lib/wav.js';
import { openGraph, separateAll } from './separate.js';

const $ = id => document.getElementById(id);
let controller;

async function loadRuntime(provider) {
    const ort = await import(provider === 'webgpu' ? 'onnxruntime-web/webgpu' : 'onnxruntime-web/wasm');
    ort.env.wasm.wasmPaths = new URL('../../ort/', import.meta.url).href;
    if (!globalThis.crossOriginIsolated)
        ort.env.wasm.numThreads = 1;
    return ort;
}

async function decode(file, sampleRate) {
    return new OfflineAudioContext(2, 1, sampleRate).decodeAudioData(await file.arrayBuffer());
}

function show(stems, sampleRate) {
    $('stems').replaceChildren(...Object.entries(stems).map(([name, planes]) => {
        const header = wavHeader({ sampleRate, channels: planes.length, frames: planes[0].length, bits: 16 });
        const audio = Object.assign(new Audio(URL.createObjectURL(new Blob([header, wavSamples(planes, 16)], { type: 'audio/wav' }))), { controls: true });
        const label = document.createElement('label');
        label.append(name, audio);
        return label;
    }));
}

async function separate() {
    const [graph] = $('graph').files, [song] = $('song').files, provider = $('provider').value;
    if (!graph || !song)
        throw new Error('Choose a graph and a song.');
    controller = new AbortController();
    const { signal } = controller;
    $('status').textContent = 'Opening the graph';
    const opened = await openGraph(await loadRuntime(provider), await graph.arrayBuffer(), { provider });
    try {
        const { demucs } = opened;
        const audio = await decode(song, demucs.sampleRate);
        $('status').textContent = 'Separating';
        const stems = await separateAll(demucs, audio, { signal, onProgress: f => { $('progress').value = f; } });
        show(stems, demucs.sampleRate);
        $('status').textContent = 'Done';
    } finally {
        await opened.close();
    }
}

$('separate').onclick = async () => {
    $('separate').disabled = true;
    try {
        await separate();
    } catch (error) {
        $('status').textContent = error.name === 'AbortError' ? 'Cancelled' : error.message;
    } finally {
        $('separate').disabled = false;
    }
};
$('cancel').onclick = () => controller?.abort();
window.example = { loadRuntime, openGraph, separateAll }; // for tests
