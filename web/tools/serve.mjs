// serve.mjs FOLDER [PORT [/PREFIX/=FOLDER...]]: static files with the headers that shared memory
// needs, for this computer only. serve() is for tests and benchmarks.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript',
    '.css': 'text/css', '.wasm': 'application/wasm', '.json': 'application/json', '.svg': 'image/svg+xml',
    '.flac': 'audio/flac', '.wav': 'audio/wav', '.png': 'image/png' };

function fileOf(folders, url) {
    let name;
    try {
        name = decodeURIComponent(new URL(url, 'http://x').pathname);
    } catch {
        return undefined;
    }
    for (const [prefix, folder] of Object.entries(folders)) {
        if (!name.startsWith(prefix))
            continue;
        const file = path.join(folder, path.normalize(`/${name.slice(prefix.length)}`));
        const found = file.endsWith(path.sep) ? path.join(file, 'index.html') : file;
        if (fs.statSync(found, { throwIfNoEntry: false })?.isFile())
            return found;
    }
    return undefined;
}

// folders: { '/prefix/': folder }, the first that has the file; options:
// isolated, csp, seen(url) for each request, port; post(url, body) takes POSTs.
export function serve(folders, { port = 0, isolated = true, csp, seen, post } = {}) {
    const server = http.createServer((request, response) => {
        seen?.(request.url);
        if (request.method === 'POST' && post) {
            const blocks = [];
            request.on('data', block => blocks.push(block));
            request.on('end', () => {
                post(request.url, Buffer.concat(blocks));
                response.writeHead(204).end();
            });
            return;
        }
        const file = ['GET', 'HEAD'].includes(request.method) ? fileOf(folders, request.url) : undefined;
        if (file === undefined)
            return response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not here\n');
        response.writeHead(200, {
            'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
            'Content-Length': fs.statSync(file).size, 'Cache-Control': 'no-cache',
            ...csp ? { 'Content-Security-Policy': csp } : {},
            ...isolated ? { 'Cross-Origin-Opener-Policy': 'same-origin',
                'Cross-Origin-Embedder-Policy': 'require-corp' } : {},
        });
        if (request.method === 'HEAD')
            return response.end();
        fs.createReadStream(file).pipe(response);
    });
    return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => resolve({
            base: `http://127.0.0.1:${server.address().port}`,
            close: () => { server.close(); server.closeAllConnections?.(); } }));
    });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
    const [folder = '.', port = '8000', ...more] = process.argv.slice(2);
    const folders = Object.fromEntries(more.map(text => [text.split('=')[0], path.resolve(text.slice(text.indexOf('=') + 1))]));
    const { base } = await serve({ ...folders, '/': path.resolve(folder) }, { port: Number(port) })
        .catch(error => {
            console.error(error.code === 'EADDRINUSE' ? `port ${port} is taken; give another: serve.mjs FOLDER PORT` : error.message);
            process.exit(1);
        });
    console.log(`${base}/`);
}
