// A session's samples, outside of the page's memory.
export const BLOCK = 65536;

export class Store {
    #worker = new Worker(new URL('./store-worker.js', import.meta.url));
    #waiting = new Map();
    #next = 0;

    static async open(count, channels) {
        const store = new Store();
        store.#worker.onmessage = ({ data: { id, result, error } }) => {
            const { resolve, reject } = store.#waiting.get(id);
            store.#waiting.delete(id);
            error === undefined ? resolve(result) : reject(new Error(error));
        };
        store.onDisk = (await store.#ask('open', { count, channels })).disk;
        return store;
    }

    #ask(call, argument, transfer = []) {
        const id = ++this.#next;
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject });
            this.#worker.postMessage({ id, call, argument }, transfer);
        });
    }

    // planes are taken over.
    append(track, at, planes) {
        return this.#ask('append', { track, at, planes }, planes.map(p => p.buffer));
    }

    read(list, from, to) {
        return this.#ask('read', { list, from, to });
    }

    close() {
        this.#ask('close').finally(() => this.#worker.terminate());
    }
}
