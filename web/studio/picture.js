// Waveform above, spectrogram below, in the stem's colour: the look of the
// program's pictures (src/audio/plot_draw.c, spectrum.c).
const COLOURS = { mix: 'd9e2ec', drums: 'ff8a3d', bass: 'b97cff', other: '2fcfb5', vocals: 'ffd14a',
    guitar: 'ff6b81', piano: '5ab0ff', no_vocals: '9ad95b' };
const ANY = Object.values(COLOURS);
export const colourOf = (name, index) => `#${COLOURS[name.toLowerCase()] ?? ANY[index % ANY.length]}`;

const SIZE = 1024, BANDS = 44, COLUMNS = 1000, LOW = 30, HIGH = 18000, FLOOR = -84, WINDOWS = 4;
const WAVE = 52, HEIGHT = WAVE + BANDS;

const hann = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / SIZE));
const cosine = Float32Array.from({ length: SIZE / 2 }, (_, i) => Math.cos(2 * Math.PI * i / SIZE));
const sine = Float32Array.from({ length: SIZE / 2 }, (_, i) => -Math.sin(2 * Math.PI * i / SIZE));

// In place, radix 2.
function fourier(re, im) {
    for (let i = 1, j = 0; i < SIZE; i++) {
        let bit = SIZE >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j)
            [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
    }
    for (let half = 1; half < SIZE; half *= 2)
        for (let i = 0; i < SIZE; i += 2 * half)
            for (let k = 0; k < half; k++) {
                const w = k * (SIZE / 2 / half), a = i + k, b = a + half;
                const x = re[b] * cosine[w] - im[b] * sine[w], y = re[b] * sine[w] + im[b] * cosine[w];
                re[b] = re[a] - x;
                im[b] = im[a] - y;
                re[a] += x;
                im[a] += y;
            }
}

export class Picture {
    #re = new Float32Array(SIZE); #im = new Float32Array(SIZE);
    #mono = new Float32Array(); #monoStart = 0; // samples that are not in a spectrum yet
    #next = 0;                                  // where the next one starts
    #shown = new Float32Array(BANDS);

    constructor(canvas, colour, frames, sampleRate) {
        canvas.width = Math.min(COLUMNS, frames);
        canvas.height = HEIGHT;
        this.paint = canvas.getContext('2d');
        this.colour = colour;
        this.rgb = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
        this.frames = frames;
        this.width = canvas.width;
        this.low = new Float32Array(this.width);
        this.high = new Float32Array(this.width);
        this.power = new Float32Array(this.width * BANDS);
        this.windows = new Uint16Array(this.width);
        this.hop = Math.max(SIZE / 4, Math.floor(frames / this.width / WINDOWS));
        const top = Math.min(HIGH, sampleRate / 2);
        this.edges = Array.from({ length: BANDS + 1 }, (_, b) => Math.max(1,
            Math.round(LOW * (top / LOW) ** (b / BANDS) * SIZE / sampleRate)));
    }

    #column(frame) {
        return Math.min(this.width - 1, Math.floor(frame / this.frames * this.width));
    }

    #keepMono(planes, start) {
        const kept = this.#mono.subarray(Math.min(this.#mono.length, this.#next - this.#monoStart));
        const mono = new Float32Array(kept.length + planes[0].length);
        mono.set(kept);
        for (const plane of planes)
            for (let i = 0, at = kept.length; i < plane.length; i++, at++)
                mono[at] += plane[i] / planes.length;
        this.#mono = mono;
        this.#monoStart = start - kept.length;
    }

    #spectra() {
        const end = this.#monoStart + this.#mono.length;
        for (; this.#next + SIZE <= end; this.#next += this.hop)
            this.#spectrum(this.#next - this.#monoStart, this.#column(this.#next + SIZE / 2));
    }

    #spectrum(at, column) {
        this.#im.fill(0);
        for (let i = 0; i < SIZE; i++)
            this.#re[i] = this.#mono[at + i] * hann[i];
        fourier(this.#re, this.#im);
        for (let b = 0; b < BANDS; b++) {
            const end = Math.max(this.edges[b] + 1, this.edges[b + 1]);
            let sum = 0;
            for (let k = this.edges[b]; k < end; k++)
                sum = Math.max(sum, this.#re[k] ** 2 + this.#im[k] ** 2);
            this.power[column * BANDS + b] += sum * (4 / SIZE) ** 2;
        }
        this.windows[column]++;
    }

    // The next finished frames.
    add(planes, start) {
        const n = planes[0].length;
        for (let i = 0; i < n; i++) {
            const c = this.#column(start + i);
            for (const plane of planes) {
                this.low[c] = Math.min(this.low[c], plane[i]);
                this.high[c] = Math.max(this.high[c], plane[i]);
            }
        }
        this.#keepMono(planes, start);
        const first = this.#column(Math.min(start, this.#next + SIZE / 2));
        this.#spectra();
        this.#draw(first, this.#column(start + n - 1));
    }

    #draw(from, to) {
        const { paint } = this, middle = WAVE / 2;
        paint.clearRect(from, 0, to - from + 1, HEIGHT);
        paint.fillStyle = this.colour;
        for (let c = from; c <= to; c++) {
            const top = middle - Math.min(1, this.high[c]) * middle, end = middle - Math.max(-1, this.low[c]) * middle;
            paint.fillRect(c, top, 1, Math.max(1, end - top));
        }
        const image = paint.createImageData(to - from + 1, BANDS);
        for (let c = from; c <= to; c++) {
            if (this.windows[c] > 0)
                this.#shown = Float32Array.from({ length: BANDS }, (_, b) => this.power[c * BANDS + b] / this.windows[c]);
            for (let b = 0; b < BANDS; b++)
                this.#pixel(image, c - from, BANDS - 1 - b, 10 * Math.log10(this.#shown[b] + 1e-12));
        }
        paint.putImageData(image, from, WAVE);
    }

    // From transparent through the colour to white.
    #pixel(image, x, y, decibels) {
        const v = Math.max(0, Math.min(1, 1 - decibels / FLOOR)), at = 4 * (y * image.width + x);
        const white = Math.max(0, (v - 0.7) / 0.3) * 0.8, strength = Math.min(1, v / 0.7);
        for (let k = 0; k < 3; k++)
            image.data[at + k] = strength * (this.rgb[k] + (255 - this.rgb[k]) * white);
        image.data[at + 3] = 255;
    }
}
