// Writes one stem to a WAV file, which gets its final name only when all stems
// are complete. Memory does not grow with the song, unless it has to be
// resampled.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { DemucsError } from './errors.js';
import { wavHeader, wavSamples } from './wav.js';

const BLOCK = 65536;

// A file beside the target.
class Part {
    constructor(target) {
        this.path = `${target}.${randomBytes(6).toString('hex')}.part`;
        this.fd = fs.openSync(this.path, 'wx+');
        this.size = 0;
    }

    write(bytes) {
        for (let done = 0; done < bytes.length;)
            done += fs.writeSync(this.fd, bytes, done, bytes.length - done, this.size + done);
        this.size += bytes.length;
    }

    read(bytes, at) {
        for (let done = 0; done < bytes.length;) {
            const n = fs.readSync(this.fd, bytes, done, bytes.length - done, at + done);
            if (n === 0)
                throw new Error('the file shrank');
            done += n;
        }
    }

    close() {
        if (this.fd !== undefined)
            fs.closeSync(this.fd);
        this.fd = undefined;
    }
}

export class StemFile {
    #target; #format; #spool; #part; #peak = 0; #back;

    // frames: as they come; back(plane): to the song's rate and length.
    constructor(target, { channels, frames, sampleRate, bits, back }) {
        this.#target = target;
        this.#back = back;
        this.#format = { channels, frames, sampleRate, bits };
        fs.mkdirSync(path.dirname(target), { recursive: true });
        this.#spool = new Part(target);
    }

    #guard(work) {
        try {
            return work();
        } catch (error) {
            throw error instanceof DemucsError ? error
                : new DemucsError('io', `${this.#target}: ${error.code === 'ENOSPC' ? 'the disk is full' : error.message}`, { cause: error });
        }
    }

    // The next frames of every channel, kept as float32.
    write(planes) {
        this.#guard(() => {
            if (!this.#back)
                this.#notePeak(planes);
            this.#spool.write(wavSamples(planes, 32));
        });
    }

    #notePeak(planes) {
        for (const plane of planes)
            for (let i = 0; i < plane.length; i++)
                this.#peak = Math.max(this.#peak, Math.abs(plane[i]));
    }

    // Blocks of planes from the spool.
    * #blocks() {
        const { channels, frames } = this.#format;
        for (let at = 0; at < frames; at += BLOCK) {
            const n = Math.min(BLOCK, frames - at), bytes = new Uint8Array(4 * n * channels);
            this.#spool.read(bytes, 4 * at * channels);
            const samples = new Float32Array(bytes.buffer);
            yield Array.from({ length: channels }, (_, c) =>
                Float32Array.from({ length: n }, (_, i) => samples[i * channels + c]));
        }
    }

    // All of it, at the song's rate.
    #resampled() {
        const planes = Array.from({ length: this.#format.channels }, () => new Float32Array(this.#format.frames));
        let at = 0;
        for (const block of this.#blocks()) {
            block.forEach((plane, c) => planes[c].set(plane, at));
            at += block[0].length;
        }
        const back = planes.map(this.#back);
        this.#notePeak(back);
        this.#format.frames = back[0].length;
        return [back];
    }

    // Rescales a stem that would clip, as the program does.
    finish() {
        this.#guard(() => {
            const blocks = this.#back ? this.#resampled() : this.#blocks();
            const { bits } = this.#format;
            this.#part = new Part(this.#target);
            this.#part.write(wavHeader(this.#format));
            const gain = bits === 32 ? 1 : 1 / Math.max(1.01 * this.#peak, 1);
            for (const planes of blocks)
                this.#part.write(wavSamples(gain === 1 ? planes
                    : planes.map(plane => plane.map(x => x * gain)), bits));
            if (this.#part.size % 2 === 1)
                this.#part.write(new Uint8Array(1));
            fs.fsyncSync(this.#part.fd);
        });
    }

    commit() {
        this.#guard(() => {
            this.#part.close();
            fs.renameSync(this.#part.path, this.#target);
            this.#part = undefined;
            this.abandon();
        });
    }

    // Removes what is not committed.
    abandon() {
        for (const part of [this.#spool, this.#part])
            if (part !== undefined) {
                part.close();
                fs.rmSync(part.path, { force: true });
            }
        this.#spool = this.#part = undefined;
    }
}
