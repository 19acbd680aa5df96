# --precision: proved once, cached, reported, and as accurate as promised.
source "$(dirname "$0")/helpers.sh"
DEMO=$DMX_TEST_DATA/demo
MODEL=$(ls "$DEMO"/htdemucs_tiny-*.th)
export DEMUCS_ONNX_CACHE=$WORK/cache
separate() { "$DEMUCS_ONNX" separate -m "$MODEL" "$DEMO/song.flac" "$@"; }

# within_0.01 WHAT: the SDRs of the last run are as exact's, within 0.01 dB.
within_0.01() {
    local stem a b
    for stem in drums bass other vocals; do
        a=$(awk -v s="/$stem.wav" 'index($1, s) { print $3 }' exact.txt)
        b=$(awk -v s="/$stem.wav" 'index($1, s) { print $3 }' out)
        check "$1: SDR of $stem is $b, of exact $a" awk -v a="$a" -v b="$b" \
            'BEGIN { exit !(a > 0 && b > 0 && a - b <= 0.0101) }'
    done
}

# On every processor.
run 0 separate -o exact --precision exact --compare "$DEMO/true_{stem}.flac"
cp out exact.txt
for precision in int16 int8; do
    run 0 separate -o $precision --precision $precision \
        --compare "$DEMO/true_{stem}.flac"
    within_0.01 $precision
done

# int8 in ONNX, in every ONNX Runtime that is here.
if [ -n "${DEMUCS_ONNXRUNTIME:-}" ]; then
    run 0 "$DEMUCS_ONNX" export "$MODEL" int8.onnx --precision int8
    for library in "$DEMUCS_ONNXRUNTIME" "$SOURCE"/third_party/onnxruntime-*; do
        [ -e "$library" ] || continue
        run 0 "$DEMUCS_ONNX" separate -m int8.onnx "$DEMO/song.flac" \
            --onnxruntime "$library" -o onnx --overwrite \
            --compare "$DEMO/true_{stem}.flac"
        within_0.01 "int8 in ONNX, $library"
    done
fi

# Exact is the default, bit for bit.
run 0 separate -o default
check "the default is exact" diff -r exact default

# Where the processor gains nothing, that is reported and the engine is exact.
run 0 separate -v -o again --precision int16
if grep -q 'gains nothing' err; then
    check "no gain: exact" diff -r exact again
    finish
fi
says err '\.th: int16: [0-9.]+ dB of 60 promised \([a-z0-9]+\)'
check "the same numbers the second time" diff -r int16 again
check "two choices are kept" test "$(ls cache/precision | wc -l)" = 2

# Events, inspect, bench.
run 0 separate -o json --precision int8 --json
says out '"event": "precision", "models": \[\{"precision":"int8"'
run 0 "$DEMUCS_ONNX" inspect "$MODEL"
says out '^precision +int16: [0-9.]+ dB of 60 promised'
says out '^precision +int8: [0-9.]+ dB of 45 promised'
run 0 "$DEMUCS_ONNX" inspect "$MODEL" --json
says out '"snr_db":'
run 0 "$DEMUCS_ONNX" bench "$MODEL" --runs 1 --samples 44100 \
    --contestants native,native:int16,native:int8
says out '^native:int16 .*x$'
says out '^native:int8: int8: [0-9.]+ dB of 45'
run 2 "$DEMUCS_ONNX" bench "$MODEL" --contestants native:int4
says err 'no instruction set "int4"'

# Damage in the cache is proved anew; a cache that can't be written is a
# warning.
for file in cache/precision/*; do echo '{"snr_db": 1e999}' >"$file"; done
run 0 separate -o damaged --precision int16
check "damage in the cache changes nothing" diff -r int16 damaged
echo >file
DEMUCS_ONNX_CACHE=$WORK/file/x run 0 separate -o nowhere --precision int16
says err 'will be proved again next time'
check "without a cache it is the same" diff -r int16 nowhere

# Wrong usage.
run 2 separate -o no --precision int4
run 2 separate -o no --precision int16 --engine reference
says err 'precision int16 is of the native engine'
finish
