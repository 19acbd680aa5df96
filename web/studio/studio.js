// The page: choosing, showing, controls.
import { Demucs } from '../package/index.js';
import { colourOf, Picture } from './picture.js';
import { Player } from './player.js';
import { save, wavBytes, zipBytes } from './save.js';
import { Session } from './session.js';
import { stemCodec, stemFileBytes, stemsOf } from './stem-file.js';

const $ = id => document.getElementById(id);
const DEMO = { model: 'demo/htdemucs_tiny-87685527.th', song: 'demo/song.flac' };
let song, checkpoint, released = [], session, player, context, lanes = [], started, codec;

// --------------------------------------------------------------- messages

function say(text, failed = false) {
    $('status').textContent = text;
    $('status').classList.toggle('failed', failed);
}

const megabytes = bytes => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

function clock(seconds) {
    const minutes = Math.floor(seconds / 60);
    return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, '0')}`;
}

function timeLeft(fraction) {
    const seconds = (performance.now() - started) / 1e3 * (1 - fraction) / fraction;
    return fraction < 0.02 ? '' : `, about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`} left`;
}

function progress(stage, fraction, loaded) {
    if (stage === 'separate' && started === undefined)
        started = performance.now();
    if (fraction === undefined)
        $('progress').removeAttribute('value');
    else
        $('progress').value = fraction;
    const percent = `${Math.round(100 * (fraction ?? 0))} %`;
    say({
        download: () => `Downloading the model: ${megabytes(loaded ?? 0)}${fraction ? `, ${percent}` : ''}`,
        check: () => `Checking the model's file: ${percent}`,
        load: () => `Reading the model: ${percent}`,
        prove: () => `Proving the arithmetic on this model's weights, once: ${percent}`,
        decode: () => 'Decoding the song',
        measure: () => 'Measuring the level',
        separate: () => `Separating: ${percent}${timeLeft(fraction)}`,
    }[stage]?.() ?? `${stage}: ${percent}`);
}

// ---------------------------------------------------------------- choosing

async function listModels() {
    released = await Demucs.released();
    for (const model of released)
        $('model').append(new Option(`${model.name}${model.bytes ? ` (${megabytes(model.bytes)})` : ''}`, model.name));
    describeModel();
}

function describeModel() {
    const name = $('model').value, model = released.find(m => m.name === name);
    $('model-note').textContent = name === 'demo' ? 'Made for trying out: fast, and its stems are rough.'
        : model ? `${model.kind}. ${model.sources.join(', ')}. Licence: ${model.licence}`
            : 'Your file. It is read here and never executed.';
}

function chooseSong(file) {
    song = file;
    $('song-name').textContent = file.name;
    $('separate').disabled = false;
    say('Ready.');
}

async function chooseDemo() {
    try {
        const response = await fetch(DEMO.song);
        if (!response.ok)
            throw new Error(`the demo song is not here (${response.status})`);
        chooseSong(new File([await response.blob()], 'song.flac'));
    } catch (error) {
        say(error.message, true);
    }
}

function chooseCheckpoint(file) {
    checkpoint = file;
    let option = [...$('model').options].find(o => o.value === '.file');
    if (option === undefined)
        $('model').append(option = new Option('', '.file'));
    option.textContent = `${file.name} (${megabytes(file.size)})`;
    $('model').value = '.file';
    describeModel();
}

const chosenModel = () => ({ demo: new URL(DEMO.model, document.baseURI), '.file': checkpoint })[$('model').value] ?? $('model').value;

// ------------------------------------------------------------------- lanes

function makeLane(name, index) {
    const colour = colourOf(name, index), lane = document.createElement('div');
    lane.className = 'lane';
    lane.setAttribute('role', 'group');
    lane.setAttribute('aria-label', name);
    lane.innerHTML = `<div><h3><span class="swatch"></span><span class="name"></span></h3>
        <div class="controls"></div></div>
        <div class="picture"><canvas role="img"></canvas><div class="region" hidden></div><div class="head"></div></div>`;
    lane.querySelector('.swatch').style.background = colour;
    lane.querySelector('.name').textContent = name;
    lane.querySelector('canvas').setAttribute('aria-label', `waveform and spectrogram of ${name}`);
    const picture = lane.querySelector('.picture');
    picture.onclick = event => player?.seek(event.offsetX / picture.clientWidth * session.frames);
    $('lanes').append(lane);
    return { name, lane, picture: new Picture(lane.querySelector('canvas'), colour, session.frames, session.sampleRate) };
}

function pressable(text, label, press) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.setAttribute('aria-pressed', 'false');
    button.setAttribute('aria-label', label);
    button.onclick = () => {
        button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
        press();
    };
    return button;
}

const pressed = button => button.getAttribute('aria-pressed') === 'true';

function addControls(item) {
    item.mute = pressable('Mute', `mute ${item.name}`, setGains);
    item.solo = pressable('Solo', `solo ${item.name}`, setGains);
    item.gain = Object.assign(document.createElement('input'), { type: 'range', min: 0, max: 1.5, step: 0.01, value: 1, oninput: setGains });
    item.gain.setAttribute('aria-label', `gain of ${item.name}`);
    item.save = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Save', disabled: true,
        onclick: () => saveOne(item) });
    item.save.setAttribute('aria-label', `save ${item.name}`);
    item.lane.querySelector('.controls').append(item.mute, item.solo, item.gain, item.save);
}

function setGains() {
    const stems = lanes.slice(1), mix = pressed($('ab')), alone = stems.some(s => pressed(s.solo));
    const gains = stems.map(s => (alone ? pressed(s.solo) : !pressed(s.mute)) ? Number(s.gain.value) : 0);
    stems.forEach((s, i) => s.lane.classList.toggle('silent', mix || gains[i] === 0));
    lanes[0]?.lane.classList.toggle('silent', !mix);
    player?.setGains(mix ? [1, ...gains.map(() => 0)] : [0, ...gains]);
}

// ---------------------------------------------------------------- playback

function showPlayback() {
    const { position, playing, loop } = player, rate = session.sampleRate;
    $('play').textContent = playing ? 'Pause' : 'Play';
    $('time').textContent = `${clock(position / rate)} / ${clock(session.frames / rate)}`;
    $('seek').value = position;
    $('seek').setAttribute('aria-valuetext', clock(position / rate));
    $('loop-off').disabled = !loop;
    const percent = frame => `${100 * frame / session.frames}%`;
    for (const { lane } of lanes) {
        lane.querySelector('.head').style.left = percent(position);
        const region = lane.querySelector('.region');
        region.hidden = !loop;
        if (loop)
            Object.assign(region.style, { left: percent(loop.from), width: percent(loop.to - loop.from) });
    }
}

let loopFrom = 0;

function loopHere(end) {
    if (!end)
        loopFrom = player.position;
    const to = end ? player.position : player.loop?.to ?? session.frames;
    if (to - loopFrom > 256)
        player.setLoop({ from: loopFrom, to });
}

const toggle = () => player.playing ? player.pause() : player.play();

function onKey(event) {
    if (!player || event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName))
        return;
    const digit = /^Digit([1-9])$/.exec(event.code), five = 5 * session.sampleRate;
    const actions = { ' ': toggle, ArrowLeft: () => player.seek(player.position - five),
        ArrowRight: () => player.seek(player.position + five), Home: () => player.seek(0),
        b: () => $('ab').click(), '[': () => loopHere(false), ']': () => loopHere(true), '\\': () => player.setLoop() };
    const item = digit && lanes[Number(digit[1])];
    const action = item ? () => (event.shiftKey ? item.solo : item.mute).click() : actions[event.key];
    if (action === undefined || (event.key === ' ' && event.target.tagName === 'BUTTON'))
        return;
    event.preventDefault();
    action();
}

// ------------------------------------------------------------------ saving

const safe = text => text.replace(/[\u0000-\u001f<>:"/\\|?*]/g, '_').replace(/^\.+/, '_') || '_';

function fileOf(item) {
    const index = lanes.indexOf(item), { store, frames, channels, sampleRate } = session;
    return { name: `${safe(session.name)} ${safe(item.name)}.wav`, bytes: wavBytes({ store, track: index, frames,
        channels, sampleRate, bits: Number($('bits').value), peak: session.peaks[index - 1] }) };
}

async function saving(work) {
    try {
        $('saved').textContent = 'Saving …';
        await work();
        $('saved').textContent = 'Saved.';
    } catch (error) {
        $('saved').textContent = error.name === 'AbortError' ? '' : `Not saved: ${error.message}`;
    }
}

function saveOne(item) {
    const { name, bytes } = fileOf(item);
    return saving(() => save(name, 'audio/wav', bytes));
}

const saveAll = () => saving(() => save(`${safe(session.name)} stems.zip`, 'application/zip', zipBytes(lanes.slice(1).map(fileOf))));

// DJ players know a stem file by the end of its name.
const saveStemFile = () => saving(() =>
    save(`${safe(session.name)}.stem.mp4`, 'audio/mp4', stemFileBytes(session, codec)));

async function offerStemFile(s) {
    const stems = stemsOf(s.stems);
    codec = stems && await stemCodec(s.sampleRate);
    if (s !== session)
        return;
    $('stem-file-note').textContent = stems === undefined
        ? 'A DJ stem file (.stem.mp4) has four stems: take a model of four or more.'
        : `The DJ stem file (.stem.mp4) has the mix and ${stems.map(stem => stem.name).join(', ')}; ${codec.name}.`;
    $('save-stem-file').disabled = stems === undefined;
}

// -------------------------------------------------------------- separating

function precisionText({ precision, promised, decibels, note, layers }) {
    const numbers = [...new Set(Object.values(layers))];
    return `, ${precision}: ${note ?? `${decibels.toFixed(0)} dB of ${promised} promised`
        + `${numbers.includes(precision) ? '' : `, by ${numbers.join(' and ')}`}`}`;
}

function showEngine(demucs) {
    $('engine').textContent = `${demucs.isa}, ${demucs.threads} thread${demucs.threads > 1 ? 's' : ''}`
        + `${demucs.threadsReason ? ` (${demucs.threadsReason})` : ''}${demucs.cached ? ', model from the cache' : ''}${
            [...new Set(demucs.precision.map(precisionText))].join('')}`;
}

async function openPlayer(s, planes) {
    context = new AudioContext({ sampleRate: s.sampleRate });
    player = await Player.open(context, s.store, { tracks: 1 + s.stems.length, channels: s.channels, frames: s.frames });
    player.onchange = showPlayback;
    $('listen').hidden = false;
    $('seek').max = s.frames - 1;
    lanes = ['mix', ...s.stems].map(makeLane);
    lanes.slice(1).forEach(addControls);
    lanes[0].picture.add(planes, 0);
    setGains();
    showPlayback();
}

function forget() {
    player?.close();
    context?.close();
    session?.close();
    session = player = context = started = undefined;
    lanes = [];
    $('lanes').replaceChildren();
    $('listen').hidden = true;
    $('saved').textContent = '';
    $('save-all').disabled = $('save-stem-file').disabled = true;
    $('stem-file-note').textContent = '';
    $('ab').setAttribute('aria-pressed', 'false');
}

function finished() {
    const seconds = (performance.now() - started) / 1e3, length = session.frames / session.sampleRate;
    $('progress').value = 1;
    say(`Done: ${length.toFixed(1)} s of music in ${seconds.toFixed(1)} s.`);
    lanes.slice(1).forEach(item => { item.save.disabled = false; });
    $('save-all').disabled = false;
    return offerStemFile(session);
}

async function separate() {
    forget();
    session = new Session();
    $('separate').disabled = true;
    $('cancel').disabled = false;
    try {
        await session.run(song, { model: chosenModel(), shifts: Number($('shifts').value),
            precision: $('precision').value, lowMemory: $('low-memory').checked }, {
            progress, open: showEngine, ready: openPlayer,
            part: (start, stems) => session.stems.forEach((name, i) => lanes[1 + i].picture.add(stems[name], start)),
            stored: available => player.extend(available) });
        await finished();
    } catch (error) {
        const cancelled = error.name === 'AbortError';
        $('progress').value = 0;
        say(cancelled ? 'Cancelled.' : error.message, !cancelled);
    } finally {
        $('separate').disabled = false;
        $('cancel').disabled = true;
    }
}

// ------------------------------------------------------------------ wiring

$('song').onchange = event => event.target.files[0] && chooseSong(event.target.files[0]);
$('checkpoint').onchange = event => event.target.files[0] && chooseCheckpoint(event.target.files[0]);
$('demo').onclick = chooseDemo;
$('model').onchange = describeModel;
$('separate').onclick = separate;
$('cancel').onclick = () => session.cancel();
$('play').onclick = toggle;
$('seek').oninput = event => player.seek(Number(event.target.value));
$('ab').onclick = () => {
    $('ab').setAttribute('aria-pressed', String(!pressed($('ab'))));
    setGains();
};
$('loop-from').onclick = () => loopHere(false);
$('loop-to').onclick = () => loopHere(true);
$('loop-off').onclick = () => player.setLoop();
$('save-all').onclick = saveAll;
$('save-stem-file').onclick = saveStemFile;
addEventListener('keydown', onKey);
addEventListener('dragover', event => {
    event.preventDefault();
    $('drop').classList.add('over');
});
addEventListener('dragleave', () => $('drop').classList.remove('over'));
addEventListener('drop', event => {
    event.preventDefault();
    $('drop').classList.remove('over');
    const [file] = event.dataTransfer.files;
    if (file !== undefined)
        (/\.(th|pth|pt|safetensors)$/i.test(file.name) ? chooseCheckpoint : chooseSong)(file);
});
// For tests and debugging.
window.studio = { get player() { return player; }, get session() { return session; }, get context() { return context; } };
listModels().catch(error => say(error.message, true)).then(chooseDemo);
