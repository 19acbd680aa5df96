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

// Frees their memory now rather than when garbage is collected, where the
// platform can; what was transferred is gone already.
export function release(planes) {
    for (const { buffer } of planes)
        if (buffer.byteLength > 0)
            buffer.transfer?.(0);
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
