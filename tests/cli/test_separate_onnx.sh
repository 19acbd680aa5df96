# Songs through ONNX Runtime: exported files, bags of them, checkpoints.
source "$(dirname "$0")/helpers.sh"
if [ -z "${DEMUCS_ONNXRUNTIME:-}" ]; then
    echo "no ONNX Runtime"
    exit 0
fi
DEMO=$DMX_TEST_DATA/demo
MODEL=$(ls "$DEMO"/htdemucs_tiny-*.th)
sdr() { # FILE of the last run
    awk -v s="/$1" 'index($1, s) { print $3 }' out
}

run 0 "$DEMUCS_ONNX" export "$MODEL" tiny.onnx --no-parity-check
run 0 "$DEMUCS_ONNX" separate -m tiny.onnx "$DEMO/song.flac" --stem drums \
    --compare "$DEMO/true_{stem}.flac"
check "folder of the model" test -f separated/tiny/song/drums.wav
check "SDR through ONNX Runtime" test "$(sdr drums.wav)" = 8.33
run 0 "$DEMUCS_ONNX" separate -m "$MODEL" "$DEMO/song.flac" --stem drums \
    --engine onnxruntime -o exported --compare "$DEMO/true_{stem}.flac" -v
says err 'onnxruntime'
check "SDR of the checkpoint" test "$(sdr drums.wav)" = 8.33

# "auto" is no wish for a provider that isn't there, so that nothing is missing.
run 0 "$DEMUCS_ONNX" separate -m tiny.onnx "$DEMO/song.flac" --stem drums \
    -o automatic --providers auto
check "no warning: $(cat err)" test "$(grep -c 'warning' err)" = 0

# Several segments at once: files of any batch, of a fixed one, a checkpoint,
# with the last batch short; the same stems to 1e-6 of full scale.
head -c 1500000 /dev/urandom >long
same() { # WHAT FOLDER
    check "$1" awk '{ d = $1 - $2
        if (!(d < 1e-6 && d > -1e-6)) exit 1; n++ } END { exit n < 700000 }' \
        <(paste <(tail -c 3000000 one/long/bass.wav | od -An -v -t f4 -w4) \
            <(tail -c 3000000 "$2/long/bass.wav" | od -An -v -t f4 -w4))
}
noise() { # EXIT FOLDER OPTION...
    local code=$1 folder=$2
    shift 2
    run "$code" "$DEMUCS_ONNX" separate long --raw s16le,44100,2 --stem bass \
        --float32 --clip-mode none -o "$folder" "$@"
}
run 0 "$DEMUCS_ONNX" export "$MODEL" any.onnx --dynamic --no-parity-check
run 0 "$DEMUCS_ONNX" export "$MODEL" four.onnx --batch 4 --no-parity-check
noise 0 one -m tiny.onnx
noise 0 any4 -m any.onnx --batch 4
same "a file of any batch, 4 at once" any4
noise 0 four -m four.onnx
same "a file of 4 at once, by itself" four
noise 0 four2 -m four.onnx --batch 4 --shifts 2 --seed 7
noise 0 shifts -m tiny.onnx --shifts 2 --seed 7
mv one first && mv shifts one
same "shifts in batches" four2
rm -r one && mv first one
noise 0 checkpoint -m "$MODEL" --engine onnxruntime --batch 3
same "a checkpoint, 3 at once" checkpoint
noise 2 bad -m four.onnx --batch 2
says err 'takes 4 segments at once, not 2; export it with --dynamic'
noise 2 bad -m tiny.onnx --batch 2
says err 'takes 1 segment at once, not 2'
noise 2 bad -m "$MODEL" --batch 2
says err 'native engine runs one segment at a time.*engine onnxruntime'
noise 2 bad -m any.onnx --batch 65
says err 'batch.*64'
check "nothing is written of these" test ! -e bad
rm -f long

# What an .onnx file can't do is reported.
run 2 "$DEMUCS_ONNX" separate -m tiny.onnx "$DEMO/song.flac" --segment 1
says err 'fixed length of 1.95 s; export with another segment'
run 2 "$DEMUCS_ONNX" separate -m tiny.onnx "$DEMO/song.flac" --engine native
says err 'runs with ONNX Runtime only'
echo '{"segment": 2}' >arguments.json
for option in "--sources a,b,c,d" "--set segment=2" "--config arguments.json"; do
    # shellcheck disable=SC2086
    run 2 "$DEMUCS_ONNX" separate -m tiny.onnx "$DEMO/song.flac" $option
    says err 'other ones are for checkpoints'
    # shellcheck disable=SC2086
    run 2 "$DEMUCS_ONNX" inspect tiny.onnx $option
done
run 2 "$DEMUCS_ONNX" separate -m tiny.onnx "$DEMO/song.flac" --stem piano
says err "no stem 'piano'; it has drums, bass, other, vocals"

# A segment chosen at export applies here, too.
run 0 "$DEMUCS_ONNX" export "$MODEL" short.onnx --segment 1 --no-parity-check
run 0 "$DEMUCS_ONNX" separate -m short.onnx "$DEMO/true_bass.flac" --stem bass -v
says err 'segments of 1 s'

# A bag: its description and its members as the export writes them.
run 0 "$DEMUCS_ONNX" export "$DMX_TEST_DATA/model_repository/pair.yaml" pair \
    --no-parity-check
head -c 700000 /dev/urandom >noise
for model in pair/pair.json "$DMX_TEST_DATA/model_repository/pair.yaml"; do
    run 0 "$DEMUCS_ONNX" separate -m "$model" noise --raw s16le,44100,2 \
        --stem vocals -o "out.${model##*.}" --clip-mode none
done
# Two engines, float32: the 16-bit files differ by single steps at most.
check "the exported bag is the bag" awk '{ d = $1 - $2
    if (d > 1 || d < -1) exit 1 }' <(paste \
    <(tail -c 700000 out.json/noise/vocals.wav | od -An -v -t d2 -w2) \
    <(tail -c 700000 out.yaml/noise/vocals.wav | od -An -v -t d2 -w2))

# A file that is not a separation model.
echo "no model" >bad.onnx
run 1 "$DEMUCS_ONNX" separate -m bad.onnx "$DEMO/song.flac" -o bad
check "nothing is written" test ! -e bad
ODD=$DMX_TEST_DATA/odd_onnx
run 1 "$DEMUCS_ONNX" separate -m "$ODD/lfs.onnx" "$DEMO/song.flac" -o bad
says err 'Git LFS pointer'
run 1 "$DEMUCS_ONNX" separate -m "$ODD/page.onnx" "$DEMO/song.flac" -o bad
says err 'a web page'
run 1 "$DEMUCS_ONNX" separate -m "$ODD/two_inputs.onnx" "$DEMO/song.flac" -o bad
says err 'input \(1, 2, 343980\), x \(1, 4, 2048, 336\).*spectrogram outside'
run 1 "$DEMUCS_ONNX" separate -m "$ODD/p_extbypass.onnx" "$DEMO/song.flac" -o bad
says err 'refused'
check "nothing is written of them" test ! -e bad

# A model that gives NaN fails the song.
run 1 "$DEMUCS_ONNX" separate -m "$ODD/v_nan_out.onnx" "$DEMO/song.flac" -o nan
says err 'not finite'
check "nothing stays of it" test -z "$(find nan -type f 2>/dev/null)"

# A model of 323 bytes that asks for 2.5 GB hits the program's limit, the
# available memory. (AddressSanitizer ends the program itself.)
if ! grep -qa __asan_init "$DEMUCS_ONNX"; then
    run 1 env DEMUCS_ONNX_MEMORY=1200 "$DEMUCS_ONNX" separate \
        -m "$ODD/fills_memory.onnx" "$DEMO/song.flac" -o full
    says err 'needs more memory than there is'
    check "one line" test "$(grep -c '^error' err)" = 1
    check "nothing stays of it" test -z "$(find full -type f 2>/dev/null)"
    run 1 bash -c 'ulimit -d 1500000; exec "$@"' - "$DEMUCS_ONNX" separate \
        -m "$ODD/fills_memory.onnx" "$DEMO/song.flac" -o full
    says err 'needs more memory than there is'
    mkfifo waits
    "$DEMUCS_ONNX" separate -m "$ODD/fills_memory.onnx" - <waits -o full \
        >out 2>err &
    exec 9>waits
    for _ in $(seq 100); do
        grep -q 'data size  *[0-9]' /proc/$!/limits && break
        sleep 0.05
    done
    check "no more than there is" \
        grep -q 'data size  *[0-9]' /proc/$!/limits
    exec 9>&-
    wait $!
fi
run 1 env -u DEMUCS_ONNXRUNTIME "$DEMUCS_ONNX" separate -m tiny.onnx \
    "$DEMO/song.flac" --onnxruntime /nowhere
says err 'ONNX Runtime|/nowhere'
finish
