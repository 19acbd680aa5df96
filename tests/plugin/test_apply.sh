# lv2apply runs the plug-in over a file: all outputs are the stems of the
# command "stream", sample for sample, as much later as the guide says.
source "$DMX_SOURCE/tests/cli/helpers.sh"
command -v lv2apply >/dev/null || {
    echo "no lv2apply here (Debian: lilv-utils): not tested"
    exit 77
}
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
SECONDS_OF_SOUND=3
BYTES=$((SECONDS_OF_SOUND * 44100 * 8))
python3 - $((BYTES / 8)) >in.raw <<'END'
import math, struct, sys
for i in range(int(sys.argv[1])):
    t = i / 44100
    a = 0.3 * math.sin(6.283 * 220 * t) * math.exp(-4 * (t % 0.5))
    b = 0.2 * math.sin(6.283 * (80 + 40 * t) * t)
    sys.stdout.buffer.write(struct.pack("<2f", a + b, a - b))
END
{
    printf 'RIFF'
    le32 $((BYTES + 36))
    printf 'WAVEfmt \x10\0\0\0\3\0\2\0\x44\xac\0\0\x20\x62\5\0\x8\0\x20\0data'
    le32 $BYTES
    cat in.raw
} >in.wav

samples() { # FILE: what is behind the head of its data
    tail -c +$(($(grep -abo data "$1" | head -n 1 | cut -d: -f1) + 9)) "$1"
}
apply() { # URI: out.wav
    DEMUCS_ONNX_LV2_MODEL=$MODEL run 0 lv2apply -i in.wav -o out.wav \
        -c freewheel 1 "$1"
}

# Lookahead, hop, crossfade, a hop for the run, and a block of 8192 frames.
behind=$(((40 + 500 + 10 + 500) * 44100 / 1000 + 8192))
frames=$((BYTES / 8 - behind))
"$DEMUCS_ONNX" stream -m "$MODEL" --raw f32le,44100,2 --hop 0.5 \
    --lookahead 0.04 --segment 2 <in.raw >want.raw 2>err || cat err
check "stems to compare with" test "$(head -c $((frames * 32)) want.raw |
    tr -d '\0' | wc -c)" -gt $frames
apply urn:demucs-onnx:stems4
check "silence until then" test "$(samples out.wav |
    head -c $((behind * 32)) | tr -d '\0' | wc -c)" = 0
check "the stems of the stream, in order" cmp \
    <(samples out.wav | tail -c +$((behind * 32 + 1))) \
    <(head -c $((frames * 32)) want.raw)

# Without a model, or with one that fails to load: the mix, and a line that
# says why.
export DEMUCS_ONNX_LV2_MODEL=$PWD/none.th
run 0 lv2apply -i in.wav -o out.wav urn:demucs-onnx:stems6
says err 'demucs-onnx: .*none.th'
check "twelve outputs" test "$(samples out.wav | wc -c)" = $((BYTES * 6))
export DEMUCS_ONNX_LV2_MODEL=none.th
run 0 lv2apply -i in.wav -o out.wav urn:demucs-onnx:stems4
says err 'not an absolute path'
finish
