// What this engine's WebAssembly can do.
import { DemucsError } from './errors.js';

const header = bytes => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, ...bytes]);
const compiles = bytes => WebAssembly.validate(header(bytes));

// (func (param v128 v128 v128) (result v128) f32x4.relaxed_madd)
const RELAXED = [1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0,
    10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11];
// (func (param v128) (result v128) local.get 0 f32x4.neg)
const SIMD = [1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0,
    10, 9, 1, 7, 0, 32, 0, 253, 225, 1, 11];

export const hasSimd = () =>
    typeof WebAssembly === 'object' && compiles(SIMD);

export function needSimd() {
    if (!hasSimd())
        throw new DemucsError('unsupported', 'this browser\'s WebAssembly has no SIMD; '
            + 'Chrome 91, Firefox 89, Safari 16.4 and later have it');
}

export const hasRelaxedSimd = () => compiles(RELAXED);

// () => lane 0 of i32x4.relaxed_dot_i8x16_i7x16_add of the memory's first three vectors;
// the memory is exported.
const DOT = [1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 9, 2, 1, 102, 0, 0, 1, 109, 2, 0,
    10, 28, 1, 26, 0, 65, 0, 253, 0, 4, 0, 65, 16, 253, 0, 4, 0, 65, 32, 253, 0, 4, 0,
    253, 147, 2, 253, 27, 0, 11];

// Whether that instruction is right. V8 11 (Node 20, whose relaxed SIMD is behind a flag)
// overwrites the sum it adds to in functions that its optimiser has not reached.
export function hasRightDot() {
    const { f, m } = new WebAssembly.Instance(new WebAssembly.Module(header(DOT))).exports;
    new Int8Array(m.buffer, 0, 16).fill(-3);
    new Int8Array(m.buffer, 16, 16).fill(5);
    new Int32Array(m.buffer, 32, 4).fill(1000);
    return f() === 1000 - 4 * 3 * 5;
}

// The module's name without its ending.
export const variant = threads =>
    `demucs-${hasRelaxedSimd() ? 'relaxed' : 'simd'}${threads > 1 ? '-threads' : ''}`;
