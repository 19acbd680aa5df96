# An exported file through ONNX Runtime's WebGPU provider, on the software
# Vulkan that Chromium brings along: the CPU's stems.
source "$(dirname "$0")/helpers.sh"
skip() {
    echo "skipped: $1"
    exit 77
}
DRIVER=/usr/lib/chromium/vk_swiftshader_icd.json
[ -n "${DEMUCS_ONNXRUNTIME:-}" ] || skip "no ONNX Runtime"
[ -f "$DRIVER" ] || skip "no software Vulkan (Debian's package chromium)"
ldconfig -p | grep -q 'libvulkan\.so\.1' || skip "no libvulkan (libvulkan1)"
grep -q WebGpuExecutionProvider "$DEMUCS_ONNXRUNTIME" ||
    skip "this ONNX Runtime has no WebGPU"
export VK_ICD_FILENAMES=$DRIVER

head -c 24000 "$DMX_TEST_DATA/demo/song.flac" | od -An -v -t u1 -w1 |
    awk '{ printf "%c", $1 % 64 + 32 }' >short
by() { # PROVIDER
    run 0 "$DEMUCS_ONNX" separate short --raw s8,44100,2 -m tiny.onnx -v \
        --engine onnxruntime --providers "$1" --float32 --clip-mode none \
        -o "$1" --filename '{stem}.{ext}'
}
run 0 "$DEMUCS_ONNX" export "$DMX_TEST_DATA/nfft_2048/model.th" tiny.onnx \
    --no-parity-check
by cpu
by webgpu
says err 'onnxruntime/webgpu'
for stem in cpu/*.wav; do
    check "$stem" awk '{ d = $1 - $2; p = $1 < 0 ? -$1 : $1
        if (d < 0) d = -d
        if (d > most) most = d
        if (p > peak) peak = p
        n++ } END { exit !(n > 20000 && peak > 0 && most <= 1e-5 * peak) }' \
        <(paste <(tail -c 90000 "$stem" | od -An -v -t f4 -w4) \
            <(tail -c 90000 "webgpu/${stem#cpu/}" | od -An -v -t f4 -w4))
done
finish
