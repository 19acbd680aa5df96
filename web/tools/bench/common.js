// What contestants share, in pages, workers and Node.

// The planes as the network wants them, with what takes its output back: the
// mean and the unbiased deviation of the mono mix.
export function normalise(planes) {
    const [a, b] = planes, n = a.length;
    let sum = 0, square = 0;
    for (let i = 0; i < n; i++)
        sum += (a[i] + b[i]) / 2;
    const mean = Math.fround(sum / n);
    for (let i = 0; i < n; i++)
        square += ((a[i] + b[i]) / 2 - sum / n) ** 2;
    const scale = Math.fround(Math.sqrt(square / (n - 1))) + 1e-8;
    const mix = new Float32Array(2 * n);
    planes.forEach((plane, c) => mix.set(plane.map(x => (x - mean) / scale), c * n));
    return { mix, restore: data => data.map(y => y * scale + mean) };
}

// Runs an onnxruntime-web session on one segment.
export async function runSession(ort, session, planes) {
    const { mix, restore } = normalise(planes);
    const feed = { [session.inputNames[0]]: new ort.Tensor('float32', mix, [1, 2, planes[0].length]) };
    return restore((await session.run(feed))[session.outputNames[0]].data);
}

// One segment by this engine, each part let go when the next one comes, as a page
// has it that stores or plays the parts.
export async function consume(demucs, planes) {
    for await (const { frames } of demucs.separate(planes, { lend: true }))
        if (frames === 0)
            throw new Error('an empty part');
}

// The same, all kept: rows [stem][channel] one after another.
export async function collect(demucs, planes) {
    const n = planes[0].length, got = new Float32Array(demucs.stems.length * 2 * n);
    for await (const { start, stems } of demucs.separate(planes, { lend: true }))
        Object.values(stems).flat().forEach((plane, row) => got.set(plane, row * n + start));
    return got;
}

// Largest difference of 4 stereo stems, as a part of each stem's peak.
export function compare(got, wanted) {
    const n = wanted.length / 4;
    let worst = 0;
    for (let from = 0; from < wanted.length; from += n) {
        let peak = 0, most = 0;
        for (let i = from; i < from + n; i++) {
            peak = Math.max(peak, Math.abs(wanted[i]));
            most = Math.max(most, Math.abs(wanted[i] - got[i]));
        }
        worst = Math.max(worst, most / peak);
    }
    return worst;
}

export const halves = mix => [mix.slice(0, mix.length / 2), mix.slice(mix.length / 2)];
