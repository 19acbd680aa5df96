# Exporting as a user would, and everything that can go wrong on the way.
source "$(dirname "$0")/helpers.sh"
model=$DMX_TEST_DATA/htdemucs/model.th
BUILD=${DMX_BUILD:-$(dirname "$DEMUCS_ONNX")}

# ---- wrong usage and missing things; none of it needs ONNX Runtime
run 2 "$DEMUCS_ONNX" export
run 2 "$DEMUCS_ONNX" export "$model"
says err 'expected CHECKPOINT'
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --precision int4
says err 'not one of fp32|fp16weights'
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --samples 0
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --samples 5 --segment 1
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --segment long
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --segment 100
says err 'trained on'
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --prune
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --stem kazoo --prune
says err "no source 'kazoo'"
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --opset 9
run 1 "$DEMUCS_ONNX" export missing.th x.onnx
says err 'missing.th: [Nn]o such file'
run 2 "$DEMUCS_ONNX" export "$WORK" x.onnx
says err 'is a folder'
mkdir folder
run 1 "$DEMUCS_ONNX" export "$model" folder
says err 'is a directory'
run 1 "$DEMUCS_ONNX" export "$model" nowhere/x.onnx
says err 'nowhere/x.onnx'
head -c 5000 "$model" >cut.th
run 1 "$DEMUCS_ONNX" export cut.th x.onnx
check "one line on stderr" test "$(wc -l <err)" = 1
run 1 "$DEMUCS_ONNX" export "$model" x.onnx --onnxruntime /nonexistent
says err 'ONNX Runtime'
run 1 env DEMUCS_ONNXRUNTIME=/nonexistent "$DEMUCS_ONNX" export "$model" x.onnx
says err 'DEMUCS_ONNXRUNTIME'
if [ "$(id -u)" != 0 ]; then
    mkdir sealed && chmod 555 sealed
    run 1 "$DEMUCS_ONNX" export "$model" sealed/x.onnx
    says err 'Permission denied'
fi
# A limit on file size stands in for a full disk: the same failing write.
run 1 bash -c 'ulimit -f 100; "$1" export "$2" x.onnx --no-parity-check' - \
    "$DEMUCS_ONNX" "$model"
says err 'write failed'
if [ -w /dev/shm ] && mkdir tiny 2>/dev/null &&
    mount -t tmpfs -o size=1m tmpfs tiny 2>/dev/null; then
    run 1 "$DEMUCS_ONNX" export "$model" tiny/x.onnx --no-parity-check
    says err 'No space left'
    check "nothing left on the full disk" empty tiny
    umount tiny
fi
check "no failure left a file" test -z "$(find . -name '*.onnx*')"

# ---- with all checks
if ! "$DEMUCS_ONNX" export "$model" good.onnx --report good.json >out 2>err; then
    grep -q 'ONNX Runtime was not found' err && { echo "skipped: no runtime"; finish; }
    cat err
    failures=$((failures + 1))
fi
says out 'music +vocals +max .* SNR [0-9.]+ dB'
check "the report names the file's hash" \
    grep -q "$(sha256sum <good.onnx | cut -d' ' -f1)" good.json
check "the report is a success" grep -q '"passed":.*true' good.json
run 0 "$DEMUCS_ONNX" export "$model" again.onnx -q
check "quiet" test ! -s out
check "the same bytes every time" cmp -s good.onnx again.onnx
run 0 "$DEMUCS_ONNX" export "$model" again.onnx --json --no-parity-check
check "JSON on stdout" grep -q '"sha256"' out
says err 'warning: .*parity'
run 1 "$DEMUCS_ONNX" export "$model" strict.onnx --parity-tolerance 1e-11 \
    --report strict.json
says err 'of its peak, more than the tolerance'
check "a failed check leaves no model" test ! -e strict.onnx
check "but its figures" grep -q '"passed":.*false' strict.json
# 8 bits: layers that lose too much go back to float32, with figures; if that is
# not enough, no file is written.
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --min-snr 0
run 2 "$DEMUCS_ONNX" export "$model" x.onnx --min-snr loud
run 0 "$DEMUCS_ONNX" export "$model" int8.onnx --precision int8 \
    --report int8.json
check "nothing goes back" test "$(grep -c 'back to float32' err)" = 0
check "the report tells the gate" grep -q '"min_snr_db":.*45' int8.json
run 0 "$DEMUCS_ONNX" inspect int8.onnx
says out 'precision.*int8'
says out 'quantised.*feed_forward.*queries_keys_values.*attention_results'
run 0 "$DEMUCS_ONNX" export "$model" int8.onnx --precision int8 \
    --min-snr 49.5 --report int8.json
says err "warning: .*attention's results go back to float32: .* 4[0-9.]+ dB"
check "the gate asked for" grep -q '"min_snr_db":.*49.5' int8.json
check "and what went back" grep -q 'note: int8: ' int8.json
run 0 "$DEMUCS_ONNX" inspect int8.onnx
says out 'quantised *.*"feed_forward"\]'
check "no figure in the file" test "$(grep -c ' dB' int8.onnx)" = 0
run 0 "$DEMUCS_ONNX" verify int8.onnx "$model"
says out 'music +vocals +max .* SNR [0-9.]+ dB'
run 1 "$DEMUCS_ONNX" verify int8.onnx "$model" --min-snr 90
says err 'dB from the reference on .*, less than the 90 dB'
rm int8.onnx
run 1 "$DEMUCS_ONNX" export "$model" int8.onnx --precision int8 --min-snr 90
says err 'error: .*less than the 90 dB'
check "two steps back" test "$(grep -c 'back to float32' err)" = 2
check "a refused model is not there" test ! -e int8.onnx
run 0 "$DEMUCS_ONNX" export "$model" short.onnx --segment 0.25 --no-parity-check
run 0 "$DEMUCS_ONNX" inspect short.onnx
says out '"shape":\[1,2,11025\]'
run 0 "$DEMUCS_ONNX" export "$model" vocals.onnx --stem vocals --prune
run 0 "$DEMUCS_ONNX" inspect vocals.onnx
says out '"shape":\[1,1,2,21498\]'
run 0 "$DEMUCS_ONNX" verify vocals.onnx "$model"
run 0 "$DEMUCS_ONNX" export "$DMX_TEST_DATA/state_dict_only/model.th" bare.onnx \
    --segment 39/80 --sources drums,bass,other,vocals --set t_heads=8
run 0 "$DEMUCS_ONNX" verify bare.onnx --recorded \
    "$DMX_TEST_DATA/state_dict_only/mix.npy" \
    "$DMX_TEST_DATA/state_dict_only/stems.npy"

# ---- the library's example writes the same bytes
if [ -x "$BUILD/examples/example_export" ]; then
    run 0 "$BUILD/examples/example_export" "$model" example.onnx
    check "the example equals the command" cmp -s good.onnx example.onnx
    run 1 "$BUILD/examples/example_export" missing.th example2.onnx
    says err 'missing.th'
fi

# ---- interruptions
part() { ls | grep -c '\.dmx-part$'; }
long=$DMX_TEST_DATA/full_length/model.th
wait_for_part() {
    for _ in $(seq 300); do
        [ "$(part)" -gt 0 ] && return 0
        sleep 0.02
    done
    return 1
}
"$DEMUCS_ONNX" export "$long" killed.onnx >/dev/null 2>&1 &
pid=$!
check "a temporary file appears" wait_for_part
kill -9 $pid
wait $pid 2>/dev/null
check "kill -9 leaves no model" test ! -e killed.onnx
run 0 "$DEMUCS_ONNX" export "$model" killed.onnx --no-parity-check
check "the next run removes what was left" test "$(part)" = 0

for signal in INT TERM; do
    # A background process of a script ignores SIGINT; this one must not.
    (trap - INT; exec "$DEMUCS_ONNX" export "$long" stopped.onnx) \
        >stopped.out 2>stopped.err &
    pid=$!
    check "a temporary file appears" wait_for_part
    sleep 0.3
    kill -$signal $pid
    wait $pid
    check "exit code 130 after SIG$signal" test $? = 130
    check "it says so" grep -q interrupted stopped.err
    check "nothing is left" test "$(part)" = 0 -a ! -e stopped.onnx
done
finish
