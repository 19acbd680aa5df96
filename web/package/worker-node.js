// The worker of a Node program, and its threads.
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { compile } from './compile-node.js';
import { serve } from './lib/engine.js';
import { nodeFiles } from './lib/files-node.js';
import { enterThread } from './lib/thread.js';

const self = new URL(import.meta.url);

function startThread(message) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(self, { workerData: { thread: message } });
        worker.once('message', () => {
            worker.unref();
            resolve(worker);
        });
        worker.once('error', reject);
    });
}

if (workerData?.thread)
    enterThread(workerData.thread, () => parentPort.postMessage('ready'));
else
    parentPort.on('message', serve({
        compile, startThread, files: nodeFiles,
        post: (message, transfer = []) => parentPort.postMessage(message, transfer),
    }));
