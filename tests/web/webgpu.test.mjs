// An exported graph by onnxruntime-web's WebGPU in Chromium, on its GPU in
// software: every node runs there, and the stems are the native program's.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { close, data, DEMUCS_ONNX, native, noise, scratch, SOURCE, WEB, writeWav } from './helpers.mjs';

const tools = path.join(SOURCE, 'web/tools');
const { executable, launch } = await import(pathToFileURL(path.join(tools, 'chromium.mjs')));
const { serve } = await import(pathToFileURL(path.join(tools, 'serve.mjs')));

const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan',
    '--use-vulkan=swiftshader', '--ignore-gpu-blocklist'];
const PATIENCE = 1500e3; // milliseconds: a GPU in software, on a machine that has other work

async function separated(page, url, planes) {
    return page.evaluate(async ([graph, given]) => {
        if (!await navigator.gpu?.requestAdapter())
            return undefined;
        const ort = await window.example.loadRuntime('webgpu');
        const { demucs, close } = await window.example.openGraph(ort, await (await fetch(graph)).arrayBuffer(),
            { provider: 'webgpu', session: { logSeverityLevel: 0, logVerbosityLevel: 1 } });
        const stems = await window.example.separateAll(demucs, given.map(p => Float32Array.from(p)));
        await close();
        return Object.fromEntries(Object.entries(stems).map(([name, rows]) => [name, rows.map(p => [...p])]));
    }, [url, planes.map(p => [...p])]);
}

test('WebGPU', { skip: executable ? false : 'no Chromium', timeout: PATIENCE }, async t => {
    const model = path.join(data, 'nfft_2048/model.th'), planes = noise(2, 20000, 7);
    execFileSync(DEMUCS_ONNX, ['export', model, path.join(scratch, 'graph.onnx'), '--no-parity-check', '-q'], { stdio: 'ignore' });
    const server = await serve({ '/ort/': path.join(tools, 'node_modules/onnxruntime-web/dist'), '/scratch/': scratch, '/': WEB });
    const browser = await launch({ gpu: true, args: SOFTWARE_GPU });
    try {
        const page = await browser.context.newPage(), placed = [], problems = [];
        page.setDefaultTimeout(PATIENCE);
        page.on('pageerror', error => problems.push(String(error)));
        page.on('console', m => {
            placed.push(.../odes?(\(s\))? placed on \[(\w+)\]/.exec(m.text())?.slice(2) ?? []);
        });
        await page.goto(`${server.base}/examples/onnxruntime-web/`);
        await page.waitForFunction(() => window.example);
        const got = await separated(page, '/scratch/graph.onnx', planes);
        if (got === undefined)
            return t.skip('this Chromium has no WebGPU adapter');
        const wanted = native(writeWav(path.join(scratch, 'song.wav'), planes, 44100), model);
        t.diagnostic(`difference ${close(got, wanted, 1e-5)} of the peak`);
        assert.deepEqual(placed, ['WebGpuExecutionProvider']);
        assert.deepEqual(problems, []);
    } finally {
        await browser.close();
        server.close();
    }
});
