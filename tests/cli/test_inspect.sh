# Looking into checkpoints and models.
source "$(dirname "$0")/helpers.sh"
model=$DMX_TEST_DATA/htdemucs/model.th

run 0 "$DEMUCS_ONNX" inspect "$model"
says out '^class +demucs.htdemucs.HTDemucs'
says out '^tensors +533, [0-9]+ numbers: float16'
says out '^globals .*fractions.Fraction'
says out 't_heads +4'
check "no single tensor without -v" \
    bash -c '! grep -q encoder.0.conv.weight "$1"' - out
run 0 "$DEMUCS_ONNX" -v inspect "$model"
says err 'encoder.0.conv.weight +float16 +\[8,4,8,1\]'
run 0 "$DEMUCS_ONNX" inspect "$model" --json
if command -v python3 >/dev/null; then
    check "JSON is JSON" python3 -m json.tool out /dev/null
fi
says out '"globals"'
run 0 "$DEMUCS_ONNX" inspect "$model" --graph
says out 'stft'
says out 'encoder.0.conv'
run 0 "$DEMUCS_ONNX" inspect "$DMX_TEST_DATA/model_repository/aaaa0001-c20dd4f3.th"
says out 'c20dd4f3 in the file name is right'
cp "$model" named-12345678.th
run 0 "$DEMUCS_ONNX" inspect named-12345678.th
says out 'DOES NOT MATCH'
says err 'warning'
run 0 "$DEMUCS_ONNX" inspect "$DMX_TEST_DATA/state_dict_only/model.th"
says out 'none: bare weights'
says out 'assumed'
run 0 "$DEMUCS_ONNX" inspect "$DMX_TEST_DATA/safetensors/htdemucs.safetensors"
says out 'safetensors'

training=$DMX_TEST_DATA/training/htdemucs
run 0 "$DEMUCS_ONNX" inspect "$training/checkpoint.th"
says out 'weights +best'
says out 'sets +\["state","best","ema_batch_0","ema_epoch_0"\]'
says err 'of its sets of weights'
says err '4 times the training segment'
run 0 "$DEMUCS_ONNX" inspect "$training/checkpoint.th" --weights ema_batch_0
says out 'weights +ema_batch_0'
run 2 "$DEMUCS_ONNX" inspect "$training/checkpoint.th" --weights ema
says err "no weights called 'ema'; it holds state, best"
run 0 "$DEMUCS_ONNX" inspect "$DMX_TEST_DATA/quantized/demucs_q8/model.th"
says out 'tensors +284 without names, 31 of them quantized'
says out 'architecture +demucs'

run 0 "$DEMUCS_ONNX" export "$model" m.onnx --no-parity-check -q
run 0 "$DEMUCS_ONNX" inspect m.onnx
says out 'opset 17, IR version 8'
says out 'sources +\["drums","bass","other","vocals"\]'
run 0 "$DEMUCS_ONNX" inspect m.onnx --json --graph
says out '"nodes":'

run 1 "$DEMUCS_ONNX" inspect missing.onnx
head -c 100000 m.onnx >cut.onnx
run 1 "$DEMUCS_ONNX" inspect cut.onnx
says err 'not an ONNX model'
run 2 "$DEMUCS_ONNX" inspect "$WORK"
run 2 "$DEMUCS_ONNX" inspect
finish
