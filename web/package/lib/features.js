// What this engine's WebAssembly can do.
import { DemucsError } from './errors.js';

const compiles = bytes => WebAssembly.validate(new Uint8Array(
    [0, 97, 115, 109, 1, 0, 0, 0, ...bytes]));

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

// The module's name without its ending.
export const variant = threads =>
    `demucs-${hasRelaxedSimd() ? 'relaxed' : 'simd'}${threads > 1 ? '-threads' : ''}`;
