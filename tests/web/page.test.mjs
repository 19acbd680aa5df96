// The studio's page as it looks and is used: contrast in light and dark, focus, motion,
// what models say of themselves, dropped files, pictures, loops by hand, 24 bits.
import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { demoModel, demoPlanes, openStudio, scratch, SOURCE, watch, wavOf, WEB, writeWav } from './helpers.mjs';

const tools = name => import(pathToFileURL(path.join(SOURCE, 'web/tools', name)));
const { launch } = await tools('chromium.mjs');
const { serve } = await tools('serve.mjs');

const RATE = 44100, PATIENCE = 240000, problems = [];
let server, browser, page;

const status = wanted => page.waitForFunction(text =>
    document.querySelector('#status').textContent.includes(text), wanted);

async function separate(file) {
    if (file !== undefined)
        await page.setInputFiles('#song', file);
    await page.click('#separate');
    await status('Done');
}

before(async () => {
    server = await serve({ '/': WEB });
    browser = await launch({ viewport: { width: 1100, height: 1000 } });
    page = await browser.context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.addInitScript(() => addEventListener('DOMContentLoaded', () => {
        window.said = [];
        new MutationObserver(() => window.said.push(document.querySelector('#status').textContent))
            .observe(document.querySelector('#status'), { childList: true });
    }));
    watch(page, problems);
    await openStudio(page, server);
    await separate(writeWav(path.join(scratch, 'short.wav'), demoPlanes().map(p => p.slice(50000, 182300)), RATE, 16));
});

after(async () => {
    await browser?.close();
    server?.close();
});

test('progress: every stage in its turn, forwards, with the time left', async () => {
    const said = await page.evaluate(() => window.said), stages = [], reached = new Map();
    for (const text of said) {
        const [, stage, percent] = /^(\D+?)(?:: (?:[\d.]+ MB, )?(\d+) %.*)?\.?$/.exec(text) ?? [];
        if (stage === undefined)
            continue;
        if (stages.at(-1) !== stage)
            stages.push(stage);
        if (percent !== undefined) {
            assert.ok(Number(percent) >= (reached.get(stage) ?? 0), text);
            reached.set(stage, Number(percent));
        }
    }
    assert.deepEqual(stages, ['Ready', 'Downloading the model', 'Checking the model\'s file', 'Reading the model', 'Decoding the song',
        'Measuring the level', 'Separating']);
    assert.ok(said.some(text => /^Separating: \d+ %, about \d+ s left$/.test(text)), said.join('\n'));
    assert.match(said.at(-1), /^Done: 3\.0 s of music in [\d.]+ s\.$/);
});

// Texts whose contrast with what is behind them is too small (WCAG 2: 4.5 to 1),
// and of the outline of what has the focus (3 to 1).
const LOW_CONTRAST = () => {
    const parse = text => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => {
        const colour = parse(getComputedStyle(e).backgroundColor);
        return (colour[3] ?? 1) > 0.99 || !e.parentElement ? colour : behind(e.parentElement);
    };
    const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const texts = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.matches(':disabled, script, option')
        && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
    const low = texts.map(e => [e.textContent.trim().slice(0, 30), contrast(parse(getComputedStyle(e).color), behind(e))]);
    const accent = document.createElement('i');
    accent.style.color = 'var(--accent)';
    document.querySelector('section').append(accent);
    const outline = contrast(parse(getComputedStyle(accent).color), behind(accent));
    accent.remove();
    return { count: low.length, outline, low: low.filter(([, ratio]) => ratio < 4.5) };
};

for (const colorScheme of ['light', 'dark'])
    test(`contrast, ${colorScheme}`, async () => {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(Number(ground.match(/\d+/)[0]) > 128, colorScheme === 'light');
        for (const failed of [false, true]) { // also the message of a failure, and a pressed button
            await page.evaluate(on => {
                document.querySelector('#status').classList.toggle('failed', on);
                document.querySelector('[aria-label="mute bass"]').setAttribute('aria-pressed', String(on));
            }, failed);
            const { count, outline, low } = await page.evaluate(LOW_CONTRAST);
            assert.ok(count > 30 && outline >= 3, `${count} texts, outline ${outline}`);
            assert.deepEqual(low, []);
        }
        await page.evaluate(() => {
            document.querySelector('#status').classList.remove('failed');
            document.querySelector('[aria-label="mute bass"]').setAttribute('aria-pressed', 'false');
        });
    });

test('reduced motion: nothing moves', async () => {
    const moving = () => page.evaluate(() => [...document.querySelectorAll('*')].filter(e => {
        const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(e);
        return /[1-9]/.test(transitionDuration) || animationName !== 'none' || scrollBehavior === 'smooth';
    }).length);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    assert.equal(await moving(), 0);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    assert.ok(await moving() > 0);
});

test('every control is reached by Tab, and shows it', async () => {
    await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
    const wanted = await page.evaluate(() => [...document.querySelectorAll('button, input, select, summary')]
        .filter(e => e.checkVisibility() && !e.disabled).length);
    const reached = new Set();
    for (let i = 0; i < wanted + 2; i++) {
        await page.keyboard.press('Tab');
        const { name, outlined } = await page.evaluate(() => {
            const e = document.activeElement, all = [...document.querySelectorAll('*')];
            const shown = e.matches('.visually-hidden') ? e.previousElementSibling : e;
            const { outlineStyle, outlineWidth } = getComputedStyle(shown);
            return { name: e === document.body ? 'body' : String(all.indexOf(e)), outlined: outlineStyle === 'solid' && outlineWidth === '3px' };
        });
        if (name === 'body')
            continue;
        reached.add(name);
        assert.ok(outlined, await page.evaluate(() => document.activeElement.outerHTML));
    }
    assert.equal(reached.size, wanted);
});

test('released models say their size, stems and licence', async () => {
    const options = await page.$$eval('#model option', list => list.map(o => o.textContent));
    for (const name of ['htdemucs', 'htdemucs_ft', 'htdemucs_6s'])
        assert.ok(options.some(text => text.startsWith(`${name} (`) && / MB\)$/.test(text)), `${name}: ${options}`);
    await page.selectOption('#model', 'htdemucs_6s');
    const note = await page.textContent('#model-note');
    assert.match(note, /guitar, piano/);
    assert.match(note, /Licence: .{3,}/);
    await page.selectOption('#model', 'demo');
});

test('dropped: a song, a checkpoint', async () => {
    const drop = name => page.evaluate(given => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['x'], given));
        dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
    }, name);
    await drop('tune.mp3');
    assert.equal(await page.textContent('#song-name'), 'tune.mp3');
    await drop('mine.th');
    assert.equal(await page.inputValue('#model'), '.file');
    assert.match(await page.textContent('#model-note'), /never executed/);
    assert.equal(await page.textContent('#song-name'), 'tune.mp3');
});

test('a waveform and a spectrogram of each stem', async () => {
    const lanes = await page.evaluate(() => [...document.querySelectorAll('.lane')].map(lane => {
        const canvas = lane.querySelector('canvas'), paint = canvas.getContext('2d');
        const rows = (from, to) => {
            const { data } = paint.getImageData(0, from, canvas.width, to - from), levels = new Set();
            let drawn = 0;
            for (let i = 0; i < data.length; i += 4) {
                drawn += data[i + 3] > 0;
                levels.add(data[i] + data[i + 1] + data[i + 2]);
            }
            return { drawn: drawn / (data.length / 4), levels: levels.size };
        };
        return { name: lane.getAttribute('aria-label'), wave: rows(0, 52), bands: rows(52, canvas.height) };
    }));
    assert.deepEqual(lanes.map(l => l.name), ['mix', 'drums', 'bass', 'other', 'vocals']);
    for (const { name, wave, bands } of lanes) {
        assert.ok(wave.drawn > 0.01 && wave.drawn < 0.99, `${name}: waveform ${wave.drawn}`);
        assert.ok(bands.levels > 50, `${name}: ${bands.levels} levels in the spectrogram`);
    }
});

test('a loop by keys and by buttons; Home; a click into a picture', async () => {
    await page.evaluate(() => document.activeElement.blur());
    const seek = frame => page.evaluate(at => window.studio.player.seek(at), frame);
    const loop = () => page.evaluate(() => ({ loop: window.studio.player.loop,
        shown: [...document.querySelectorAll('.region')].map(r => !r.hidden && Math.round(parseFloat(r.style.width))) }));
    const ways = [key => page.keyboard.press(key), key => page.click({ '[': '#loop-from', ']': '#loop-to', '\\': '#loop-off' }[key])];
    for (const press of ways) {
        await seek(13230);
        await press('[');
        await seek(79380);
        await press(']');
        assert.deepEqual(await loop(), { loop: { from: 13230, to: 79380 }, shown: Array(5).fill(50) });
        await press('\\');
        assert.deepEqual(await loop(), { loop: undefined, shown: Array(5).fill(false) });
    }
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Home');
    assert.equal(await page.evaluate(() => window.studio.player.position), 0);
    const { width, height } = await (await page.$('.picture')).boundingBox();
    await page.click('.picture', { position: { x: width / 2, y: height / 2 } });
    const at = await page.evaluate(() => window.studio.player.position / window.studio.session.frames);
    assert.ok(Math.abs(at - 0.5) < 0.01, String(at));
});

test('24 bits: the float stem, rounded', async () => {
    const save = async bits => {
        await page.selectOption('#bits', bits);
        const saved = page.waitForEvent('download');
        await page.click('[aria-label="save bass"]');
        return wavOf(await (await saved).path());
    };
    const exact = await save('32'), rounded = await save('24');
    assert.equal(rounded.bits, 24);
    exact.planes.forEach((plane, c) => plane.forEach((x, i) =>
        assert.ok(Math.abs(x - rounded.planes[c][i]) <= 2 ** -24 + 1e-12)));
});

test('a mono song of another rate, by the browser\'s decoder', async () => {
    await page.setInputFiles('#checkpoint', demoModel);
    await separate(writeWav(path.join(scratch, 'mono.wav'), [demoPlanes()[0].slice(0, 48000)], 48000, 16));
    const { frames, channels } = await page.evaluate(() => window.studio.session);
    assert.ok(Math.abs(frames - 44100) <= 1 && channels === 2, `${frames} frames`);
    assert.deepEqual(problems, []);
});
