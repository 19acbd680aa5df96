// One thread: an instance on the shared memory, with a stack of its own.
import { instantiate } from './module.js';

export async function enterThread({ module, memory, number, stack }, ready) {
    const e = await instantiate(module, { memory });
    e.__stack_pointer.value = stack;
    ready();
    setTimeout(() => e.web_thread(number), 0); // waits there for ever
}
