// Playback from the store: position, loop, gains. Only the next second or two are
// in memory.
const CHUNK = 8192;
const AHEAD = 65536; // frames

export class Player {
    #generation = 0; #next = 0; #queued = 0; #feeding = false; #closed = false;
    position = 0; playing = false; loop; available = 0;

    // tracks: how many the store has, the mix first.
    static async open(context, store, { tracks, channels, frames }) {
        const player = new Player();
        await context.audioWorklet.addModule(new URL('./player-worklet.js', import.meta.url));
        Object.assign(player, { context, store, tracks, frames });
        player.node = new AudioWorkletNode(context, 'demucs-player', {
            numberOfInputs: 0, outputChannelCount: [2], processorOptions: { tracks, channels } });
        player.node.connect(context.destination);
        player.node.port.onmessage = ({ data }) => player.#report(data);
        return player;
    }

    #report({ generation, at, queued, empty }) {
        if (generation !== this.#generation || this.#closed)
            return;
        this.#queued = queued;
        if (at !== undefined)
            this.position = at;
        if (this.playing && empty && this.#next >= this.frames && this.loop?.to !== this.frames)
            this.#ended();
        this.onchange?.();
        this.#feed();
    }

    #ended() {
        this.pause();
        this.seek(0);
    }

    // The next frames in the order in which they are heard.
    #range() {
        const { loop } = this;
        const from = loop && this.#next === loop.to ? loop.from : this.#next;
        const end = loop && from < loop.to ? loop.to : this.frames;
        return { from, to: Math.min(from + CHUNK, end, this.available) };
    }

    async #feed() {
        if (this.#feeding)
            return;
        this.#feeding = true;
        try {
            while (this.#queued < AHEAD && !this.#closed) {
                const generation = this.#generation, { from, to } = this.#range();
                if (from >= to)
                    break;
                this.#next = to;
                const list = Array.from({ length: this.tracks }, (_, i) => i);
                const planes = await this.store.read(list, from, to);
                if (generation !== this.#generation)
                    continue;
                this.#queued += to - from;
                this.node.port.postMessage({ generation, chunk: { at: from, frames: to - from, planes } },
                    planes.flat().map(p => p.buffer));
            }
        } finally {
            this.#feeding = false;
        }
    }

    // More of the song has been computed.
    extend(available) {
        this.available = available;
        this.#feed();
    }

    setGains(gains) {
        this.node.port.postMessage({ gains });
    }

    seek(frame) {
        this.position = Math.max(0, Math.min(this.frames - 1, Math.round(frame)));
        this.#next = this.position;
        this.#queued = 0;
        this.node.port.postMessage({ clear: ++this.#generation });
        this.#feed();
        this.onchange?.();
    }

    setLoop(loop) {
        this.loop = loop;
        this.seek(loop && (this.position < loop.from || this.position >= loop.to) ? loop.from : this.position);
    }

    async play() {
        await this.context.resume();
        this.playing = true;
        this.node.port.postMessage({ playing: true });
        this.onchange?.();
    }

    pause() {
        this.playing = false;
        this.node.port.postMessage({ playing: false });
        this.onchange?.();
    }

    close() {
        this.#closed = true;
        this.node.disconnect();
    }
}
