// Apple Lossless packets of 16-bit stereo, as Apple's open description of the
// format has them: the channels or their mean and difference, a linear prediction
// that adapts with every sample, Golomb codes of what it missed. A packet that
// would be longer so holds the samples as they are.
export const FRAME = 4096; // frames of a packet

const TAPS = 4, SHIFT = 9; // of the prediction; its weights are in units of 2^-9
const HISTORY = 40, MEAN = 10, LIMIT = 14; // of the codes: the format's usual values
const RUN_BITS = 16, LEFT_BITS = 17; // of a number that is written without a code
const LINE = [2 << SHIFT, -1 << SHIFT]; // the first prediction: straight on
const HEAD_BITS = 3 + 4 + 12 + 1 + 2 + 1;
const LONGEST = Math.ceil((HEAD_BITS + 32 + 32 * FRAME + 3) / 8);

class Bits {
    // Of the worst codes, 9 + 17 bits a sample.
    #bytes = new Uint8Array(2 * FRAME * 4 + 64); #size = 0; #held = 0; #count = 0;

    // At most 24 bits.
    put(value, width) {
        this.#held = this.#held << width | value;
        this.#count += width;
        while (this.#count >= 8) {
            this.#count -= 8;
            this.#bytes[this.#size++] = this.#held >>> this.#count;
        }
    }

    // A number in units of 2^k - 1: so many ones, a zero, the rest in k bits, of
    // which a rest of 0 takes one less. Above 8 units: nine ones, and it plain.
    code(value, k, plainBits) {
        const unit = (1 << k) - 1, ones = Math.floor(value / unit), rest = value - ones * unit;
        if (ones > 8) {
            this.put(0x1ff, 9);
            this.put(value, plainBits);
            return;
        }
        this.put((1 << ones) - 1 << 1, ones + 1);
        if (k > 1)
            rest === 0 ? this.put(0, k - 1) : this.put(rest + 1, k);
    }

    // What was written so far, filled up to bytes.
    take() {
        if (this.#count > 0)
            this.put(0, 8 - this.#count);
        const bytes = this.#bytes.slice(0, this.#size);
        this.#size = this.#held = 0;
        return bytes;
    }
}

// Moves the weights, the oldest sample's first, until the error is accounted for.
function adapt(weights, x, at, base, error) {
    const sign = Math.sign(error);
    let rest = Math.abs(error);
    for (let k = TAPS - 1; k >= 0 && rest > 0; k--) {
        const distance = x[at - 1 - k] - base, size = Math.abs(distance);
        weights[k] += Math.sign(distance) * sign;
        rest -= (TAPS - k) * (sign > 0 ? size >> SHIFT : -(-size >> SHIFT)); // down; up
    }
}

const narrow = x => x << 32 - LEFT_BITS >> 32 - LEFT_BITS;

// What the prediction misses, into left; sums wrap as the decoders' do.
function predict(left, x, n, weights) {
    left[0] = x[0];
    for (let i = 1; i <= TAPS && i < n; i++)
        left[i] = narrow(x[i] - x[i - 1]);
    for (let i = TAPS + 1; i < n; i++) {
        const base = x[i - TAPS - 1];
        let sum = 1 << SHIFT - 1;
        for (let k = 0; k < TAPS; k++)
            sum = sum + Math.imul(weights[k], x[i - 1 - k] - base) | 0;
        left[i] = narrow(x[i] - base - (sum >> SHIFT));
        if (left[i] !== 0)
            adapt(weights, x, i, base, left[i]);
    }
}

// False where decoders disagree on what a number does to the mean.
function writeCodes(bits, left, n) {
    let mean = MEAN, afterRun = 0; // a run of zeros ends with another number
    for (let i = 0; i < n;) {
        const d = left[i++], number = d < 0 ? -2 * d - 1 : 2 * d;
        bits.code(number - afterRun, Math.min(LIMIT, 31 - Math.clz32((mean >> 9) + 3)), LEFT_BITS);
        if (afterRun && number === 0x10000)
            return false;
        mean = number > 0xffff ? 0xffff : mean + number * HISTORY - (mean * HISTORY >> 9);
        afterRun = 0;
        if (mean < 128 && i < n) {
            const start = i;
            while (i < n && left[i] === 0)
                i++;
            bits.code(i - start, Math.clz32(mean) - 24 + (mean + 16 >> 6), RUN_BITS);
            mean = 0;
            afterRun = 1;
        }
    }
    return true;
}

// How much a row bends: what a straight prediction would miss.
function bend(x, n) {
    let sum = 0;
    for (let i = 2; i < n; i++)
        sum += Math.abs(x[i] - 2 * x[i - 1] + x[i - 2]);
    return sum;
}

export class AlacEncoder {
    #bits = new Bits();
    #rows = [new Int32Array(FRAME), new Int32Array(FRAME)];
    #mixed = [new Int32Array(FRAME), new Int32Array(FRAME)];
    #left = new Int32Array(FRAME);
    #weights;

    constructor() {
        this.#restart();
    }

    // What decoders must know before, as the format's 'alac' box has it.
    static cookie(sampleRate) {
        const view = new DataView(new ArrayBuffer(24));
        view.setUint32(0, FRAME);
        [0, 16, HISTORY, MEAN, LIMIT, 2].forEach((value, i) => view.setUint8(4 + i, value));
        view.setUint16(10, 255);
        view.setUint32(12, LONGEST);
        view.setUint32(20, sampleRate);
        return new Uint8Array(view.buffer);
    }

    #restart() {
        this.#weights = [0, 1].map(() => Int16Array.from({ length: TAPS }, (_, k) => LINE[k] ?? 0));
    }

    #head(n, plain) {
        const short = n < FRAME;
        this.#bits.put(1, 3);  // a pair of channels
        this.#bits.put(0, 16); // the first one; reserved
        this.#bits.put((short ? 8 : 0) | (plain ? 1 : 0), 4);
        if (short) {
            this.#bits.put(n >>> 16, 16);
            this.#bits.put(n & 0xffff, 16);
        }
    }

    // The packet's end.
    #end() {
        this.#bits.put(7, 3);
        return this.#bits.take();
    }

    // Mean and difference where they are smoother than the channels.
    #choose(n) {
        const [l, r] = this.#rows, [mean, side] = this.#mixed;
        for (let i = 0; i < n; i++) {
            mean[i] = l[i] + r[i] >> 1;
            side[i] = l[i] - r[i];
        }
        return bend(mean, n) + bend(side, n) < bend(l, n) + bend(r, n);
    }

    #plain(n) {
        const [l, r] = this.#rows;
        this.#restart();
        this.#head(n, true);
        for (let i = 0; i < n; i++) {
            this.#bits.put(l[i] & 0xffff, 16);
            this.#bits.put(r[i] & 0xffff, 16);
        }
        return this.#end();
    }

    #coded(n) {
        const mix = this.#choose(n), rows = mix ? this.#mixed : this.#rows;
        this.#head(n, false);
        this.#bits.put(mix ? 0x101 : 0, 16); // l / 2 + r / 2
        for (const weights of this.#weights) {
            this.#bits.put(SHIFT, 8);
            this.#bits.put(4 << 5 | TAPS, 8); // the mean's history times 4 / 4
            weights.forEach(w => this.#bits.put(w & 0xffff, 16));
        }
        let sure = true;
        rows.forEach((row, c) => {
            predict(this.#left, row, n, this.#weights[c]);
            sure = writeCodes(this.#bits, this.#left, n) && sure;
        });
        const packet = this.#end();
        return sure ? packet : undefined;
    }

    // A packet of n <= FRAME frames, all but the last with FRAME; planes of 16-bit
    // samples, two of them, or one for both.
    encode(planes, n = planes[0].length) {
        this.#rows.forEach((row, c) => row.set((planes[c] ?? planes[0]).subarray(0, n)));
        const packet = this.#coded(n), plainBytes = Math.ceil((HEAD_BITS + (n < FRAME ? 32 : 0) + 32 * n + 3) / 8);
        return packet !== undefined && packet.length <= plainBytes ? packet : this.#plain(n);
    }
}
