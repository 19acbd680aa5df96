# The example's stems are those of the program, bit for bit.
source "$DMX_SOURCE/tests/cli/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)

# Five seconds of the song as interleaved float32: a part of a float WAV.
run 0 "$DEMUCS_ONNX" separate -m "$MODEL" "$DMX_TEST_DATA/demo/song.flac" \
    -o wav --float32 --stem vocals --filename '{stem}.wav'
tail -c $((5 * 44100 * 8)) wav/vocals.wav >track.f32
mkdir ours
run 0 "$EXAMPLE" "$MODEL" track.f32 ours
run 0 "$DEMUCS_ONNX" separate -m "$MODEL" track.f32 --raw f32le,44100,2 \
    --float32 -o theirs --filename '{stem}.wav'
for stem in drums bass other vocals; do
    check "$stem has the track's length" \
        test "$(stat -c %s ours/$stem.f32)" = $((5 * 44100 * 8))
    check "$stem is the program's" \
        cmp ours/$stem.f32 <(tail -c $((5 * 44100 * 8)) theirs/$stem.wav)
done
run 1 "$EXAMPLE" missing.th track.f32 ours
says err 'missing.th'
finish
