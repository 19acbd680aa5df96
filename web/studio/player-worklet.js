// Plays the samples it receives: all tracks, mixed with a gain each.
const FADE = 64;              // frames, when playing starts and stops
const RAMP_SECONDS = 0.005;   // of a gain from 0 to 1
const REPORT = 16;            // blocks between reports

class Player extends AudioWorkletProcessor {
    constructor({ processorOptions: { tracks, channels } }) {
        super();
        this.channels = channels;
        this.queue = [];
        this.inside = 0; // frames of the first chunk that are played
        this.gain = new Float64Array(tracks);
        this.target = new Float64Array(tracks);
        this.master = 0;
        this.playing = false;
        this.generation = 0;
        this.blocks = 0;
        this.port.onmessage = ({ data }) => this.take(data);
    }

    take(message) {
        if (message.chunk !== undefined && message.generation === this.generation)
            this.queue.push(message.chunk);
        if (message.clear !== undefined) {
            this.generation = message.clear;
            this.queue = [];
            this.inside = 0;
            this.master = 0;
        }
        if (message.gains !== undefined) {
            this.target.set(message.gains);
            if (!this.playing)
                this.gain.set(message.gains);
        }
        if (message.playing !== undefined)
            this.playing = message.playing;
    }

    ramp() {
        const step = 1 / (RAMP_SECONDS * sampleRate);
        for (let t = 0; t < this.gain.length; t++) {
            const left = this.target[t] - this.gain[t];
            this.gain[t] += Math.max(-step, Math.min(step, left));
        }
        const goal = this.playing ? 1 : 0;
        this.master += Math.max(-1 / FADE, Math.min(1 / FADE, goal - this.master));
    }

    frame(out, i) {
        const chunk = this.queue[0];
        for (let c = 0; c < out.length; c++) {
            let sum = 0;
            for (let t = 0; t < this.gain.length; t++)
                if (this.gain[t] !== 0)
                    sum += this.gain[t] * chunk.planes[t][Math.min(c, this.channels - 1)][this.inside];
            out[c][i] = this.master * sum;
        }
        if (++this.inside === chunk.frames) {
            this.queue.shift();
            this.inside = 0;
            this.last = chunk.at + chunk.frames;
        }
    }

    process(inputs, [out]) {
        for (let i = 0; i < out[0].length; i++) {
            if (this.queue.length === 0 || (!this.playing && this.master === 0))
                break;
            this.ramp();
            this.frame(out, i);
        }
        if (++this.blocks % REPORT === 0)
            this.report();
        return true;
    }

    report() {
        const [chunk] = this.queue;
        const queued = this.queue.reduce((n, c) => n + c.frames, -this.inside);
        this.port.postMessage({ generation: this.generation, queued,
            at: chunk ? chunk.at + this.inside : this.last, empty: chunk === undefined });
    }
}

registerProcessor('demucs-player', Player);
