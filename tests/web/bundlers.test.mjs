// The installed package through the real bundlers, as docs/web.md describes it; what they
// make separates in Chromium, with threads.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { data, installPackage, scratch, SOURCE, watch, WEB } from './helpers.mjs';

const tools = path.join(SOURCE, 'web/tools');
const { launch, executable } = await import(pathToFileURL(path.join(tools, 'chromium.mjs')));
const { serve } = await import(pathToFileURL(path.join(tools, 'serve.mjs')));

const project = path.join(scratch, 'project');
const inside = file => path.join(project, file);
const tool = (name, args) => execFileSync('node', [path.join(tools, 'node_modules', name), ...args],
    { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] });
const HTML = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="MAIN"></script>';
const SEPARATE = `window.separate = async model => {
            const demucs = await Demucs.open({ model, threads: 2 });
            let frames = 0;
            for await (const part of demucs.separate([new Float32Array(60000)]))
                frames += part.frames;
            const { threads, threadsReason } = demucs;
            demucs.close();
            return { frames, threads, threadsReason };
        };`;
let browser;

before(async () => {
    installPackage(project);
    fs.writeFileSync(inside('main.js'), `
        import { Demucs } from 'demucs-onnx';
        ${SEPARATE}`);
    fs.writeFileSync(inside('index.html'), HTML.replace('MAIN', './main.js'));
    if (executable)
        browser = await launch();
});

after(() => browser?.close());

async function separates(base) {
    const page = await browser.context.newPage(), problems = [];
    watch(page, problems);
    try {
        await page.goto(`${base}/`);
        await page.waitForFunction(() => window.separate);
        const got = await page.evaluate(() => window.separate('/data/demo/htdemucs_tiny-87685527.th'))
            .catch(error => assert.fail(`${error.message} ${problems}`));
        assert.deepEqual(got, { frames: 60000, threads: 2, threadsReason: undefined });
        assert.deepEqual(problems, []);
    } finally {
        await page.close();
    }
}

async function works(t, dist) {
    if (!fs.existsSync(path.join(dist, 'index.html')))
        fs.writeFileSync(path.join(dist, 'index.html'), HTML.replace('MAIN', './main.js'));
    if (browser === undefined)
        return t.skip('no Chromium: built only');
    const server = await serve({ '/data/': data, '/': dist });
    try {
        await separates(server.base);
    } finally {
        server.close();
    }
}

// Workers stay files of their own, beside the page's script; so do the modules.
function copyModules(dist) {
    fs.cpSync(inside('node_modules/demucs-onnx/wasm'), path.join(dist, 'wasm'), { recursive: true });
}

test('Vite', async t => {
    fs.writeFileSync(inside('vite.config.js'), `export default { worker: { format: 'es' }, build: { outDir: 'dist-vite', target: 'es2022' } };`);
    tool('vite/bin/vite.js', ['build', '--logLevel', 'error']);
    await works(t, inside('dist-vite'));
});

test('webpack', async t => {
    fs.writeFileSync(inside('webpack.config.js'), `
        import path from 'node:path';
        export default { mode: 'production', entry: './main.js', performance: { hints: false },
            output: { path: path.resolve('dist-webpack'), filename: 'main.js', publicPath: 'auto' } };`);
    tool('webpack-cli/bin/cli.js', ['--config', inside('webpack.config.js')]);
    await works(t, inside('dist-webpack'));
});

test('esbuild', async t => {
    tool('esbuild/bin/esbuild', ['main=main.js', 'worker=node_modules/demucs-onnx/worker.js', 'thread=node_modules/demucs-onnx/thread.js',
        '--bundle', '--format=esm', '--outdir=dist-esbuild', '--log-level=error']);
    copyModules(inside('dist-esbuild'));
    await works(t, inside('dist-esbuild'));
});

test('Rollup', async t => {
    const resolve = pathToFileURL(path.join(tools, 'node_modules/@rollup/plugin-node-resolve/dist/es/index.js'));
    fs.writeFileSync(inside('rollup.config.mjs'), `
        import resolve from '${resolve}';
        const own = name => 'node_modules/demucs-onnx/' + name;
        export default { input: { main: 'main.js', worker: own('worker.js'), thread: own('thread.js') },
            output: { dir: 'dist-rollup', format: 'es', entryFileNames: '[name].js' },
            plugins: [resolve({ browser: true })] };`);
    tool('rollup/dist/bin/rollup', ['-c', 'rollup.config.mjs', '--silent']);
    copyModules(inside('dist-rollup'));
    await works(t, inside('dist-rollup'));
});

// ------------------------------------------------------------------- Next.js

const NEXT = process.env.DMX_NEXT; // a folder, which is kept
const PACKAGES = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'];
const FILES = {
    'package.json': '{ "private": true }',
    'next.config.mjs': `export default { headers: async () => [{ source: '/:path*', headers: [
        { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
        { key: 'Cross-Origin-Embedder-Policy', value: 'require-corp' }] }] };`,
    'app/icon.svg': '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>',
    'app/layout.js': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;',
    'app/page.js': `'use client';
        import { useEffect } from 'react';
        export default function Page() {
            useEffect(() => {
                import('demucs-onnx').then(({ Demucs }) => { ${SEPARATE} });
            }, []);
            return <p>demucs-onnx</p>;
        }` };

function makeNext() {
    for (const [name, text] of Object.entries(FILES)) {
        fs.mkdirSync(path.dirname(path.join(NEXT, name)), { recursive: true });
        if (name !== 'package.json' || !fs.existsSync(path.join(NEXT, name)))
            fs.writeFileSync(path.join(NEXT, name), text);
    }
    const run = (program, args) => execFileSync(program, args, { cwd: NEXT, stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...PACKAGES]);
    fs.cpSync(path.join(WEB, 'package'), path.join(NEXT, 'node_modules/demucs-onnx'), { recursive: true });
    fs.cpSync(path.join(data, 'demo'), path.join(NEXT, 'public/data/demo'), { recursive: true });
    run('node', ['node_modules/next/dist/bin/next', 'build']);
}

// { base, close() }
async function startNext() {
    const child = spawn('node', ['node_modules/next/dist/bin/next', 'start', '-p', '0', '-H', '127.0.0.1'],
        { cwd: NEXT, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const text of child.stdout) {
        said += text;
        const [base] = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(said) ?? [];
        if (base && /Ready/.test(said))
            return { base, close: () => child.kill() };
    }
    throw new Error(said);
}

test('Next.js', { skip: NEXT ? false : 'DMX_NEXT names no folder for its 340 MB' }, async t => {
    makeNext();
    if (browser === undefined)
        return t.skip('no Chromium: built only');
    const server = await startNext();
    try {
        await separates(server.base);
    } finally {
        server.close();
    }
});
