// node-contestant.mjs WORK WEB OPTIONS: one contestant in a Node process of its
// own; one line of JSON. OPTIONS: { threads, lowMemory, precision, ort } as
// JSON.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { collect, compare, consume, halves, runSession } from './common.js';

const [work, web, text] = process.argv.slice(2);
const { ort: other, ...options } = JSON.parse(text);
const floats = name => {
    const bytes = fs.readFileSync(path.join(work, name));
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
};
const seconds = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
};

async function openDemucs(planes) {
    const { Demucs } = await import(pathToFileURL(path.join(web, 'package/node.js')));
    const demucs = await Demucs.open({ model: path.join(work, 'full.safetensors'), overlap: 0,
        cache: work, ...options });
    return { isa: demucs.isa, run: () => consume(demucs, planes),
        whole: () => collect(demucs, planes), measure: () => demucs.measure() };
}

async function openOrt(planes) {
    const dist = fileURLToPath(new URL('../node_modules/onnxruntime-web/dist/', import.meta.url));
    const ort = await import(pathToFileURL(`${dist}ort.node.min.mjs`));
    ort.env.wasm.numThreads = options.threads;
    ort.env.wasm.wasmPaths = dist;
    const session = await ort.InferenceSession.create(
        new Uint8Array(fs.readFileSync(path.join(work, 'full.onnx'))), { executionProviders: ['wasm'] });
    return { isa: 'onnxruntime-web', run: () => runSession(ort, session, planes) };
}

const planes = halves(floats('mix.f32'));
const start = seconds();
const contestant = await (other ? openOrt(planes) : openDemucs(planes));
const opened = seconds() - start;
await contestant.run(); // warms up
const before = seconds(), clock = performance.now();
const got = await contestant.run();
const result = { isa: contestant.isa, opened, cpu: seconds() - before,
    wall: (performance.now() - clock) / 1e3,
    megabytes: Math.round(process.resourceUsage().maxRSS * 1.024 / 1000) };
result.error = compare(got ?? await contestant.whole(), floats('stems.f32'));
console.log(JSON.stringify({ ...result, ...await contestant.measure?.() }));
process.exit(0);
