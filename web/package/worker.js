// The worker of a page.
import { browserFiles } from './lib/files-browser.js';
import { serve } from './lib/engine.js';
import { compile } from './compile.js';

function startThread(message) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
        worker.onmessage = () => resolve(worker);
        worker.onerror = reject;
        worker.postMessage(message);
    });
}

const answer = serve({
    compile, startThread, files: browserFiles,
    post: (message, transfer = []) => postMessage(message, transfer),
});
onmessage = ({ data }) => answer(data);
