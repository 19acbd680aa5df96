# Songs into stems: the demo's SDR, names, selections, and what is refused.
source "$(dirname "$0")/helpers.sh"
DEMO=$DMX_TEST_DATA/demo
MODEL=$(ls "$DEMO"/htdemucs_tiny-*.th)
NAME=$(basename "$MODEL" .th)
separate() { "$DEMUCS_ONNX" separate -m "$MODEL" "$@"; }

# The demo reaches the original's SDR within 0.02 dB.
run 0 separate "$DEMO/song.flac" --compare "$DEMO/true_{stem}.flac"
for stem in drums bass other vocals; do
    check "$stem.wav" test -f "separated/$NAME/song/$stem.wav"
    wanted=$(sed -n '/"sdr_db_of_original_code"/,/}/p' "$DEMO/expected.json" |
        awk -F'[:,]' -v s="\"$stem\"" '$1 ~ s { print $2 }')
    got=$(awk -v s="/$stem.wav" 'index($1, s) { print $3 }' out)
    check "SDR of $stem: $got instead of $wanted" awk -v a="$got" \
        -v b="$wanted" 'BEGIN { exit !(a - b < 0.02 && b - a < 0.02) }'
done

# A second run does not overwrite silently.
run 1 separate "$DEMO/song.flac"
says err 'exists; --overwrite replaces it'
run 0 separate "$DEMO/song.flac" --skip-existing
says err 'skipped, its stems exist'
cp "separated/$NAME/song/bass.wav" before.wav
run 0 separate "$DEMO/song.flac" --overwrite --stem bass
check "one stem is the same as of all" \
    cmp before.wav "separated/$NAME/song/bass.wav"

# Selections.
run 0 separate "$DEMO/song.flac" -o two --two-stems vocals
check "two stems" test "$(cd two/song && ls)" = "$(printf 'no_vocals.wav\nvocals.wav')"
run 0 separate "$DEMO/song.flac" -o none --two-stems vocals --other-method none
check "one of two stems" test "$(cd none/song && ls)" = vocals.wav
run 0 separate "$DEMO/song.flac" -o karaoke --karaoke
check "karaoke is the complement" cmp karaoke/song/no_vocals.wav two/song/no_vocals.wav
run 0 separate "$DEMO/song.flac" -o mix --mix-stems drums,bass --stem drums \
    --filename '{stem}-{track}-{trackext}-{model}.{ext}' --flac
check "templates" test "$(ls mix)" = "$(printf '%s\n' \
    "drums+bass-song-flac-$NAME.flac" "drums-song-flac-$NAME.flac")"
run 2 separate "$DEMO/song.flac" --stem vocals --stdout vocals
says err 'only one of'

# Pipes: the same samples.
run 0 separate "$DEMO/song.flac" -o float --float32 --stem drums
cat "$DEMO/song.flac" | separate - --stdout drums --float32 >piped.wav 2>err
check "standard input to standard output" test -s piped.wav
check "the same samples" cmp <(tail -c 2000000 piped.wav) \
    <(tail -c 2000000 float/song/drums.wav)

# JSON lines.
run 0 separate "$DEMO/song.flac" -o json --json --stem bass
says out '^\{"event": "progress", .*"stage": "separate"'
says out '^\{"event": "song", .*"stem": "bass", "file": "json/song/bass.wav"'
says out '^\{"event": "end", "songs": 1, "separated": 1, "failed": 0'

# A picture.
run 0 separate "$DEMO/song.flac" -o plot --plot 'plot/{track}.png' --stem bass
check "a picture" grep -q PNG plot/song.png

# Many songs: failures do not stop the others.
mkdir -p songs/deep
cp "$DEMO/true_bass.flac" songs/a.flac
cp "$DEMO/true_drums.flac" songs/deep/b.flac
echo "no sound" >songs/c.mp3
run 1 separate songs -o many --jobs 2 --stem bass
says err 'songs/c.mp3: '
says err '1 of 3 songs failed'
check "the others are done" test -f many/a/bass.wav -a -f many/b/bass.wav
check "nothing of the failed one" test ! -e many/c
cp songs/a.flac songs/deep/a.flac
run 2 separate songs/a.flac songs/deep/a.flac -o twice --stem bass
says err 'would be written for two songs, songs/a.flac and songs/deep/a.flac'
check "nothing is written for two songs" test ! -e twice
run 0 separate songs/a.flac songs/deep/a.flac -o twice --stem bass \
    --filename '{folder}/{track}/{stem}.{ext}'
check "folders tell songs apart" test "$(cd twice && echo */*/*)" = \
    'deep/a/bass.wav songs/a/bass.wav'

# Impossible requests are refused before any work, in one line.
mkdir empty
refused() { # PATTERN ARGUMENT...
    local pattern=$1
    shift
    run "${code:-2}" separate "$DEMO/song.flac" -o refused "$@"
    says err "$pattern"
    check "nothing is written: $*" test ! -e refused
}
refused "in the range 0 to 0.99" --overlap 1
refused "in the range 0 to 100" --shifts -1
refused "in the range 1 to 32" --transition-power 0.5
refused "allowed is 0.1 to 1.95" --segment 8
refused "no stem 'piano'; it has drums, bass, other, vocals" --stem piano
refused "no stem 'Vocals'; it has drums, bass, other, vocals" --two-stems Vocals
refused "belongs to --two-stems" --other-method minus
refused "does not go with" --exact-sum --clip-mode rescale
refused "have no streams" --raw f32le,44100,2 --stream 1
refused "only one of" --mp3 --flac
refused "for WAV and FLAC" --int24 --mp3
refused "can stand in braces" --filename '{artist}.wav'
refused "needs all stems" --exact-sum --stem bass
refused "lossy" --exact-sum --mp3
refused "dither" --exact-sum --dither
refused "own rate" --exact-sum --samplerate 48000
refused "needs .stem." --filename '{track}.wav'
run 2 separate "$DEMO/song.flac" empty
says err 'no sound files in this folder; .* use -o empty'
run 1 separate missing.wav -o refused
says err 'missing.wav'
check "no folder for a missing song" test ! -e refused
run 1 "$DEMUCS_ONNX" separate -m nothing.th "$DEMO/song.flac"
run 2 "$DEMUCS_ONNX" separate "$DEMO/song.flac" -m "$MODEL" --stdout bass --json
finish
