// The audio that callers give.
import { DemucsError } from './errors.js';

export const aborted = signal => signal?.reason ?? new DOMException('cancelled', 'AbortError');

// One Float32Array a channel, the caller's own.
export function planesOf(audio) {
    const planes = Array.isArray(audio) ? audio
        : Array.from({ length: audio.numberOfChannels }, (_, c) => audio.getChannelData(c));
    const right = planes.length > 0 && planes.every(
        p => p instanceof Float32Array && p.length === planes[0].length);
    if (!right)
        throw new DemucsError('argument', 'audio: an AudioBuffer, or one Float32Array a channel, all of one length');
    return planes;
}

export function checkRate(audio, rate) {
    if (audio.sampleRate !== undefined && audio.sampleRate !== rate)
        throw new DemucsError('argument', `audio: its rate is ${audio.sampleRate} Hz, the model's ${rate} Hz; `
            + `decode it with new AudioContext({ sampleRate: ${rate} }) or OfflineAudioContext`);
}

// Frees their memory now rather than when garbage is collected: what is posted to a
// closed port is gone. (transfer(0) is not enough in Chromium, where the message
// that a buffer came with still holds it.) What was transferred is gone already.
export function release(planes) {
    const buffers = new Set(planes.map(p => p.buffer).filter(b => b.byteLength > 0));
    if (buffers.size === 0)
        return;
    const { port1, port2 } = new MessageChannel();
    port2.close();
    port1.postMessage(undefined, [...buffers]);
    port1.close();
}

// The mean of some planes.
function mean(planes) {
    const out = new Float32Array(planes[0].length);
    for (const plane of planes)
        for (let i = 0; i < out.length; i++)
            out[i] += plane[i] / planes.length;
    return out;
}

// Mono is copied to every channel. With more channels than the model has, even
// ones count as left and odd ones as right, since nothing says which is which.
export function matchChannels(planes, channels) {
    if (planes.length === channels)
        return planes;
    if (planes.length === 1)
        return Array(channels).fill(planes[0]);
    return Array.from({ length: channels },
        (_, c) => mean(planes.filter((_, i) => i % channels === c)));
}
