# Verifying existing files. Needs ONNX Runtime.
source "$(dirname "$0")/helpers.sh"
data=$DMX_TEST_DATA/htdemucs

run 2 "$DEMUCS_ONNX" verify m.onnx
run 2 "$DEMUCS_ONNX" verify m.onnx --recorded "$data/mix.npy"
run 1 "$DEMUCS_ONNX" verify m.onnx "$data/model.th"
says err 'm.onnx: No such file'
run 0 "$DEMUCS_ONNX" export "$data/model.th" m.onnx --no-parity-check -q

"$DEMUCS_ONNX" verify m.onnx "$data/model.th" >out 2>err
if grep -q 'ONNX Runtime was not found' err; then
    echo "skipped: no runtime"
    finish
fi
run 0 "$DEMUCS_ONNX" verify m.onnx "$data/model.th" --report r.json
check "eight comparisons" test "$(grep -c '"signal"' r.json)" = 8
run 0 "$DEMUCS_ONNX" verify m.onnx --recorded "$data/mix.npy" "$data/stems.npy"
says out 'recording +vocals'
run 0 "$DEMUCS_ONNX" verify --recorded "$data/mix.npy" "$data/stems.npy" m.onnx
run 1 "$DEMUCS_ONNX" verify m.onnx --recorded "$data/mix.npy" "$data/mix.npy"
run 1 "$DEMUCS_ONNX" verify m.onnx --recorded "$data/model.th" "$data/stems.npy"
says err 'not a .npy file'

# Another model's weights: the difference is found and located.
other=$DMX_TEST_DATA/model_repository/aaaa0002-8212b610.th
run 1 "$DEMUCS_ONNX" verify m.onnx "$other"
says err 'of its peak, more than the tolerance'
run 1 "$DEMUCS_ONNX" verify -v m.onnx "$other"
says err 'the numbers part at t?encoder.0'

# One broken weight is noticed: eight bytes hold a whole float, whatever the
# alignment.
cp m.onnx bent.onnx
printf '\x7f%.0s' 1 2 3 4 5 6 7 8 |
    dd of=bent.onnx bs=1 seek=$(($(stat -c %s m.onnx) / 2)) conv=notrunc 2>/dev/null
if ! cmp -s m.onnx bent.onnx; then
    run 1 "$DEMUCS_ONNX" verify bent.onnx "$data/model.th"
fi
head -c 3000000 m.onnx >cut.onnx
run 1 "$DEMUCS_ONNX" verify cut.onnx "$data/model.th"
says err 'cut.onnx: not an ONNX model'
finish
