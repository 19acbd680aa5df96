// Node's modules.
import fs from 'node:fs/promises';

export const compile = async name =>
    WebAssembly.compile(await fs.readFile(new URL(`./wasm/${name}.wasm`, import.meta.url)));
