// The command line: options, songs, messages. Names and meanings are those of
// the native program.
import fs from 'node:fs';
import path from 'node:path';
import { Demucs, DemucsError } from '../node.js';
import { readFlac, isFlac } from './flac.js';
import { framesAt, resample } from './resample.js';
import { StemFile } from './stem-file.js';
import { isWav, readWav } from './wav.js';

const FAILED = 1, WRONG_USAGE = 2, INTERRUPTED = 130;

// flag: [takes, variable, help]; takes: what a value is called, or ''.
const OPTIONS = {
    '--model': ['MODEL', 'model', 'released model by name, or checkpoint (htdemucs)'],
    '--out': ['DIR', 'out', 'folder for the stems (separated/<model>)'],
    '--stem': ['NAME', 'stem', 'write this stem only'],
    '--stems': ['A,B', 'stems', 'write these stems only'],
    '--exact-sum': ['', 'exactSum', 'spread what is left of the mix over the stems, so that\nthey sum to it (with --float32)'],
    '--int24': ['', 'int24', '24 bits instead of 16'],
    '--float32': ['', 'float32', '32-bit float: never rescaled nor cut off'],
    '--overwrite': ['', 'overwrite', 'replace files that exist'],
    '--overlap': ['X', 'overlap', 'of neighbouring segments (0.25)'],
    '--segment': ['SECONDS', 'segment', 'length of a segment, at most the model\'s own (that)'],
    '--shifts': ['N', 'shifts', 'average N random shifts (0)'],
    '--seed': ['N', 'seed', 'of the random shifts, as in Python (0)'],
    '--transition-power': ['X', 'transitionPower', 'sharpness of the transitions between segments (1)'],
    '--threads': ['N', 'threads', 'threads of the engine (all cores, 8 at most)'],
    '--low-memory': ['', 'lowMemory', 'keep float16 weights as they are'],
    '--precision': ['NAME', 'precision', 'exact, int16 or int8: integers where they are faster,\nproved on the model\'s weights (exact)'],
    '--cache-dir': ['DIR', 'cache', 'where downloads are kept (~/.cache/demucs-onnx)'],
    '--quiet': ['', 'quiet', 'errors only'],
    '--help': ['', 'help', 'show this help and stop'],
    '--version': ['', 'version', 'show the version and stop'],
};
const SHORT = { '-m': '--model', '-n': '--model', '--name': '--model', '-o': '--out',
    '-q': '--quiet', '-h': '--help' };
const PRECISIONS = ['exact', 'int16', 'int8'];
const NUMBERS = ['overlap', 'segment', 'shifts', 'seed', 'transitionPower', 'threads'];

class Usage extends Error {}

function help() {
    const lines = Object.entries(OPTIONS).map(([flag, [value, , text]]) => {
        const short = Object.keys(SHORT).find(s => s.length === 2 && SHORT[s] === flag);
        const left = `${short ? `${short},` : '   '} ${flag}${value ? ` ${value}` : ''}`;
        return `  ${left.padEnd(26)}${text.replaceAll('\n', `\n${' '.repeat(28)}`)}`;
    });
    return `usage: demucs-onnx separate [OPTION...] SONG...\n\n`
        + 'separate songs (WAV, FLAC) into stems (WAV), of the song\'s rate and exact length\n\n'
        + `options:\n${lines.join('\n')}\n\n`
        + 'This is the program for any system with Node; the native one is about three times\n'
        + 'faster and does much more.\n';
}

function number(flag, text) {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
        throw new Usage(`${flag}: '${text}' is not a number`);
    return value;
}

function parse(args) {
    const options = {}, songs = [];
    for (let i = 0; i < args.length; i++) {
        let [flag, given] = [args[i], undefined];
        if (flag === '--') {
            songs.push(...args.slice(i + 1));
            break;
        }
        if (!flag.startsWith('-') || flag === '-') {
            songs.push(flag);
            continue;
        }
        if (flag.startsWith('--') && flag.includes('='))
            [flag, given] = [flag.slice(0, flag.indexOf('=')), flag.slice(flag.indexOf('=') + 1)];
        flag = SHORT[flag] ?? flag;
        if (!Object.hasOwn(OPTIONS, flag))
            throw new Usage(`unknown option '${args[i]}'; see demucs-onnx separate --help`);
        const [value, name] = OPTIONS[flag];
        if (!value && given !== undefined)
            throw new Usage(`${flag} takes no value`);
        if (value)
            given ??= args[++i];
        if (value && given === undefined)
            throw new Usage(`${flag} needs ${value}`);
        options[name] = !value ? true : NUMBERS.includes(name) ? number(flag, given) : given;
    }
    return { options, songs };
}

function check({ options, songs }) {
    if (songs.length === 0)
        throw new Usage('no song is given; see demucs-onnx separate --help');
    if (options.int24 && options.float32)
        throw new Usage('give either --int24 or --float32');
    if (options.precision !== undefined && !PRECISIONS.includes(options.precision))
        throw new Usage(`--precision: '${options.precision}' is none; there are ${PRECISIONS.join(', ')}`);
    if (options.exactSum && !options.float32)
        throw new Usage('--exact-sum needs --float32: other samples are rounded');
    if (options.stem !== undefined && options.stems !== undefined)
        throw new Usage('give either --stem or --stems');
}

// ------------------------------------------------------------------ sounds

function readSound(file) {
    let bytes;
    try {
        bytes = new Uint8Array(fs.readFileSync(file));
    } catch (error) {
        const why = { ENOENT: 'no such file', EISDIR: 'is a folder', ERR_FS_FILE_TOO_LARGE: 'larger than 2 GB' };
        throw new DemucsError('io', `${file}: ${why[error.code] ?? error.message}`);
    }
    try {
        if (isWav(bytes))
            return readWav(bytes);
        if (isFlac(bytes))
            return readFlac(bytes);
    } catch (error) {
        throw new DemucsError(error.code ?? 'format', `${file}: ${error.message}`);
    }
    throw new DemucsError('format', `${file}: neither WAV nor FLAC; convert it first, or use the native program`);
}

// Converts a song to the rate the model takes, and gives the function for the
// way back.
function fit(sound, demucs) {
    const from = sound.sampleRate, to = demucs.sampleRate, frames = sound.planes[0].length;
    const planes = sound.planes.map(p => from === to ? p : resample(p, from, to, framesAt(frames, from, to)));
    for (const plane of planes)
        for (let i = 0; i < plane.length; i++)
            if (!Number.isFinite(plane[i]))
                plane[i] = 0;
    return { planes, back: plane => resample(plane, to, from, frames) };
}

// --------------------------------------------------------------- separation

// A file name that is valid on every system and stays in its folder.
const safe = text => text.replace(/[\u0000-\u001f<>:"/\\|?*]/g, '_').replace(/^\.+|[. ]+$/g, '_') || '_';
const nameOf = file => safe(path.basename(file, path.extname(file)));

function targets(folder, song, demucs, options) {
    const files = demucs.stems.map(stem => path.join(folder, nameOf(song), `${safe(stem)}.wav`));
    const there = files.find(file => fs.existsSync(file));
    if (there !== undefined && !options.overwrite)
        throw new DemucsError('io', `${there} exists; give --overwrite, or another folder with --out`);
    return files;
}

async function separateSong(demucs, song, folder, options, say, signal) {
    const files = targets(folder, song, demucs, options);
    const sound = readSound(song);
    if (sound.planes[0].length === 0)
        throw new DemucsError('format', `${song}: it has no samples`);
    const { planes, back } = fit(sound, demucs);
    const bits = options.float32 ? 32 : options.int24 ? 24 : 16;
    const stems = [];
    try {
        for (const file of files)
            stems.push(new StemFile(file, { channels: demucs.channels, frames: planes[0].length,
                sampleRate: sound.sampleRate, bits, back: sound.sampleRate === demucs.sampleRate ? undefined : back }));
        const parts = demucs.separate(planes, { transfer: true, signal,
            onProgress: (f, stage) => say(song, stage === 'separate' ? f : 0) });
        for await (const part of parts)
            demucs.stems.forEach((name, i) => stems[i].write(part.stems[name]));
        stems.forEach(stem => stem.finish());
        stems.forEach(stem => stem.commit());
    } catch (error) {
        stems.forEach(stem => stem.abandon());
        throw error;
    }
    return files;
}

function progressLine(options) {
    const shown = process.stderr.isTTY && !options.quiet;
    return {
        say: (song, fraction) => shown
            && process.stderr.write(`\r\u001b[K${printable(path.basename(song))}: ${Math.round(100 * fraction)} %`),
        end: () => shown && process.stderr.write('\r\u001b[K'),
    };
}

// Names and messages contain untrusted text.
const printable = text => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?');

function download(options, line) {
    return options.quiet ? undefined : (loaded, total) => line.say('download', total ? loaded / total : 0);
}

async function separate({ options, songs }, signal) {
    const { model = 'htdemucs', out, stem, stems, ...rest } = options;
    const line = progressLine(options);
    const demucs = await Demucs.open({ ...rest, model, signal,
        stems: stem !== undefined ? [stem] : stems?.split(','), onDownload: download(options, line),
        onProgress: (fraction, stage) => stage === 'prove' && line.say(`proving ${options.precision}, once`, fraction),
        onWarning: message => options.quiet || console.error(`demucs-onnx: warning: ${printable(message)}`) });
    const folder = out ?? path.join('separated', nameOf(model));
    let failed = 0;
    try {
        for (const song of songs)
            try {
                const files = await separateSong(demucs, song, folder, options, line.say, signal);
                line.end();
                files.forEach(file => console.log(file));
            } catch (error) {
                line.end();
                if (signal.aborted || !(error instanceof DemucsError))
                    throw error;
                console.error(`demucs-onnx: ${printable(error.message)}`);
                failed = FAILED;
            }
    } finally {
        demucs.close();
    }
    return failed;
}

function version() {
    const file = new URL('../package.json', import.meta.url);
    return JSON.parse(fs.readFileSync(file, 'utf8')).version;
}

const asks = (args, ...flags) => args.some(arg => flags.includes(arg));

async function run(args, signal) {
    const [command, ...more] = args;
    if (asks(args, '--version')) {
        console.log(`demucs-onnx ${version()} (WebAssembly)`);
        return 0;
    }
    if (command === undefined || asks(args, '--help', '-h')) {
        process.stdout.write(help());
        return command === undefined ? WRONG_USAGE : 0;
    }
    if (command !== 'separate')
        throw new Usage(`unknown command '${command}'; here is only: separate`);
    const parsed = parse(more);
    check(parsed);
    return separate(parsed, signal);
}

// Returns the same exit codes as the program: 0, 1 failed, 2 wrong usage, 130
// interrupted.
export async function main(args) {
    const controller = new AbortController();
    const interrupt = () => controller.abort(new DemucsError('cancelled', 'interrupted'));
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
    try {
        return await run(args, controller.signal);
    } catch (error) {
        if (controller.signal.aborted)
            return INTERRUPTED;
        console.error(`demucs-onnx: ${printable(String(error.message ?? error))}`);
        return error instanceof Usage ? WRONG_USAGE : FAILED;
    } finally {
        process.off('SIGINT', interrupt);
        process.off('SIGTERM', interrupt);
    }
}
