// Another sample rate: a windowed sinc at every output sample.

const HALF = 96;      // taps on each side, at the lower of the two rates
const EDGE = 0.915;   // end of the pass band, of the lower Nyquist frequency
const BETA = 12;      // of Kaiser's window: the stop band lies below -115 dB
const MOST_PHASES = 2048;

// Kaiser's window on [-1, 1] (J. F. Kaiser, 1974), by the series of I0.
function bessel(x) {
    let sum = 1, term = 1;
    for (let k = 1; term > 1e-12 * sum; k++) {
        term *= (x / (2 * k)) ** 2;
        sum += term;
    }
    return sum;
}

const kaiser = x => Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
const sinc = x => x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);

function gcd(a, b) {
    return b === 0 ? a : gcd(b, a % b);
}

// rows[phase]: weights of the input samples around an output sample that lies
// phase / phases behind one of them; one row more for the next sample.
function makeTable(phases, ratio) {
    const scale = Math.min(1, ratio), cut = scale * (EDGE + 1) / 2;
    const half = Math.ceil(HALF / scale);
    return { half, rows: Array.from({ length: phases + 1 }, (_, p) => {
        const row = Float64Array.from({ length: 2 * half }, (_, i) => {
            const x = i - half + 1 - p / phases;
            return cut * sinc(cut * x) * kaiser(x / half);
        });
        const sum = row.reduce((a, b) => a + b, 0);
        return row.map(w => w / sum); // a constant signal stays constant
    }) };
}

export const framesAt = (frames, from, to) => Math.ceil(frames * to / from);

// Zeros outside of the input; frames: of the result.
export function resample(plane, from, to, frames = framesAt(plane.length, from, to)) {
    if (from === to)
        return plane.slice(0, frames);
    const common = gcd(from, to), up = to / common, down = from / common;
    const phases = Math.min(up, MOST_PHASES);
    const { half, rows } = makeTable(phases, to / from);
    const out = new Float32Array(frames);
    for (let i = 0; i < frames; i++) {
        const at = i * down, whole = Math.floor(at / up);
        const position = (at - whole * up) / up * phases, low = Math.floor(position), part = position - low;
        const a = rows[low], b = rows[Math.min(low + 1, phases)], first = whole - half + 1;
        let sum = 0, next = 0;
        const end = Math.min(2 * half, plane.length - first);
        for (let k = Math.max(0, -first); k < end; k++) {
            sum += a[k] * plane[first + k];
            next += part > 0 ? b[k] * plane[first + k] : 0;
        }
        out[i] = part > 0 ? sum + part * (next - sum) : sum;
    }
    return out;
}
