// Chromium of the system through playwright-core: a browser with a profile of
// its own, whose processor time and memory can be read.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-default-apps',
    '--autoplay-policy=no-user-gesture-required'];

export const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
    .find(file => fs.existsSync(file));

// { context, profile, close() }
export async function launch({ gpu = false, args = [], env, ...options } = {}) {
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'demucs-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: executable, headless: true, acceptDownloads: true,
        args: [...ARGUMENTS, ...gpu ? [] : ['--disable-gpu'], ...args],
        env: { ...process.env, ...env }, ...options });
    return { context, profile,
        async close() {
            await context.close();
            fs.rmSync(profile, { recursive: true, force: true });
        } };
}

// Of all processes of the browser with that profile.
function processesOf(profile) {
    const parents = new Map(), found = new Set();
    for (const pid of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name)))
        try {
            const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
            parents.set(pid, stat[1]);
            if (fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(profile))
                found.add(pid);
        } catch { /* it has ended */ }
    for (let more = true; more;) {
        more = false;
        for (const [pid, parent] of parents)
            if (found.has(parent) && !found.has(pid))
                more = Boolean(found.add(pid));
    }
    return found;
}

// Seconds of processor time so far, and of the largest process, which is the
// page's, the peak in MB: megabytes of all that was resident, own without the
// pages of the browser's program file, which all its processes share.
export function usage(profile) {
    let ticks = 0, peak = 0, shared = 0;
    for (const pid of processesOf(profile))
        try {
            const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
            ticks += Number(stat[11]) + Number(stat[12]);
            const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
            const kilobytes = key => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
            if (kilobytes('VmHWM') > peak)
                [peak, shared] = [kilobytes('VmHWM'), kilobytes('RssFile')];
        } catch { /* it has ended */ }
    const megabytes = kilobytes => Math.round(kilobytes * 1.024 / 1000);
    return { seconds: ticks / 100, megabytes: megabytes(peak), own: megabytes(peak - shared) };
}
