// AAC by the browser's own encoder, where it has one.
const FRAME = 1024;                  // frames of a packet
const BITRATES = [256000, 192000];   // the program's; the most of Windows' encoder
const QUEUE = 8;                     // blocks that wait for the encoder
const NOISE = 4 * FRAME, AT = 6 * FRAME, TRIED = 16 * FRAME; // of what measures the priming

const sound = (planes, sampleRate, at) => {
    const n = planes[0].length, data = new Float32Array(2 * n);
    data.set(planes[0]);
    data.set(planes[1] ?? planes[0], n);
    return new AudioData({ format: 'f32-planar', sampleRate, numberOfChannels: 2, numberOfFrames: n,
        timestamp: Math.round(at / sampleRate * 1e6), data });
};

function specificOf(metadata, known) {
    const given = metadata?.decoderConfig?.description;
    return given === undefined ? known : new Uint8Array(ArrayBuffer.isView(given)
        ? given.buffer.slice(given.byteOffset, given.byteOffset + given.byteLength) : given.slice(0));
}

class AacEncoder {
    #encoder; #ready = []; #failed; #at = 0; #rate; specific;

    constructor(config) {
        this.#rate = config.sampleRate;
        this.#encoder = new AudioEncoder({
            output: (chunk, metadata) => {
                const bytes = new Uint8Array(chunk.byteLength);
                chunk.copyTo(bytes);
                this.#ready.push(bytes);
                this.specific = specificOf(metadata, this.specific);
            },
            error: error => { this.#failed = error; } });
        this.#encoder.configure(config);
    }

    #take() {
        if (this.#failed)
            throw this.#failed;
        return this.#ready.splice(0);
    }

    // Takes planes; gives the packets that are ready.
    async encode(planes) {
        while (this.#encoder.encodeQueueSize > QUEUE && !this.#failed)
            await new Promise(resolve => setTimeout(resolve, 4));
        if (!this.#failed) {
            const data = sound(planes, this.#rate, this.#at);
            this.#encoder.encode(data);
            data.close();
            this.#at += planes[0].length;
        }
        return this.#take();
    }

    // The last packets. Encoders differ in how much they add at the end, so that
    // silence is added here.
    async finish(priming) {
        await this.encode([new Float32Array(priming + 2 * FRAME)]);
        await this.#encoder.flush();
        return this.#take();
    }

    close() {
        if (this.#encoder.state !== 'closed')
            this.#encoder.close();
    }
}

// ----------------------------------------------------------------- priming

async function decoded(packets, { specific, sampleRate }) {
    const planes = [];
    let failed;
    const decoder = new AudioDecoder({
        output: data => {
            const plane = new Float32Array(data.numberOfFrames);
            data.copyTo(plane, { planeIndex: 0, format: 'f32-planar' });
            planes.push(plane);
            data.close();
        },
        error: error => { failed = error; } });
    decoder.configure({ codec: 'mp4a.40.2', sampleRate, numberOfChannels: 2, description: specific });
    packets.forEach((data, i) => decoder.decode(new EncodedAudioChunk({
        type: 'key', timestamp: Math.round(i * FRAME / sampleRate * 1e6), data })));
    await decoder.flush();
    decoder.close();
    if (failed)
        throw failed;
    return Float32Array.from(planes.flatMap(plane => [...plane]));
}

// Where the noise lies in what was decoded, by correlation; undefined where it
// is not found beyond doubt.
function delayOf(got, noise) {
    let best = 0, delay;
    const energy = noise.reduce((sum, x) => sum + x * x, 0);
    for (let at = 0; at + noise.length <= got.length; at++) {
        let sum = 0, power = 0;
        for (let i = 0; i < noise.length; i += 4) { // enough to tell
            sum += got[at + i] * noise[i];
            power += got[at + i] ** 2;
        }
        const likeness = sum / Math.sqrt(power * energy / 4 + 1e-9);
        if (likeness > best)
            [best, delay] = [likeness, at - AT];
    }
    return best > 0.8 && delay >= 0 ? delay : undefined;
}

// Noise without high sounds, which all encoders keep.
function testNoise() {
    let state = 1, low = 0;
    return Float32Array.from({ length: NOISE }, () => {
        state = Math.imul(state, 1664525) + 1013904223 >>> 0;
        low += 0.3 * (state / 2 ** 31 - 1 - low);
        return 0.5 * low;
    });
}

// Frames that the encoder puts before the sound. No interface says how many;
// they are what the decoder gives before known noise.
async function measurePriming(config) {
    const encoder = new AacEncoder(config), noise = testNoise(), plane = new Float32Array(TRIED);
    try {
        plane.set(noise, AT);
        const packets = [...await encoder.encode([plane]), ...await encoder.finish(FRAME)];
        const { specific } = encoder;
        return specific && delayOf(await decoded(packets, { specific, sampleRate: config.sampleRate }), noise);
    } finally {
        encoder.close();
    }
}

// How this browser encodes AAC: { config, priming, frame, make() }; undefined where
// it does not, or where the priming can't be told.
export async function findAac(sampleRate) {
    for (const bitrate of BITRATES)
        try {
            const config = { codec: 'mp4a.40.2', sampleRate, numberOfChannels: 2, bitrate };
            if (!(await AudioEncoder.isConfigSupported(config)).supported)
                continue;
            const priming = await measurePriming(config);
            if (priming !== undefined)
                return { config, priming, frame: FRAME, make: () => new AacEncoder(config) };
        } catch { /* none, or none that works */ }
    return undefined;
}
