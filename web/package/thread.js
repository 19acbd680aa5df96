// A thread of a page's worker.
import { enterThread } from './lib/thread.js';

onmessage = ({ data }) => enterThread(data, () => postMessage('ready'));
