# A model repository for NVIDIA Triton: folders, names, shapes, and the text
# format as protobuf's own parser reads it.
source "$(dirname "$0")/helpers.sh"
model=$DMX_TEST_DATA/htdemucs_dynamic/model.th
cp "$model" 'my model.th'

run 2 "$DEMUCS_ONNX" export "$model"
run 2 "$DEMUCS_ONNX" export "$model" out.onnx --triton repository
run 2 "$DEMUCS_ONNX" export "$model" --triton repository --batch 4
says err 'any batch'
run 2 "$DEMUCS_ONNX" export "$model" --triton repository --dynamic=samples
check "wrong usage makes no folder" test ! -e repository

run 1 "$DEMUCS_ONNX" export missing.th --triton repository
check "a failure leaves no folder" test ! -e repository

run 0 "$DEMUCS_ONNX" export 'my model.th' --triton repository \
    --no-parity-check -q
config=repository/my_model/config.pbtxt
check "the model's file" test -f repository/my_model/1/model.onnx
check "nothing else" test "$(find repository -type f | wc -l)" = 2
run 0 "$DEMUCS_ONNX" inspect repository/my_model/1/model.onnx
says out '^ *dynamic +"batch,samples"'
check "the name" grep -q '^name: "my_model"$' $config
check "any length in" grep -q 'dims: \[ 2, -1 \]' $config
check "any length out" grep -q 'dims: \[ 4, 2, -1 \]' $config
check "a segment warms up" grep -q 'dims: \[ 2, 21498 \]' $config

# Pruned, and of one length.
run 0 "$DEMUCS_ONNX" export "$model" --triton repository --no-parity-check \
    -q --dynamic=batch --prune --stems bass,drums
check "one length" grep -q 'dims: \[ 2, 2, 21498 \]' \
    repository/model/config.pbtxt

if command -v protoc >/dev/null; then
    for c in repository/*/config.pbtxt; do
        check "$c is no ModelConfig" protoc \
            --proto_path="$DMX_TEST_DATA/triton" \
            --encode=inference.ModelConfig model_config.proto \
            <"$c" >encoded
        check "$c says nothing" test -s encoded
    done
    echo 'name: "x" max_batch: 3' >wrong.pbtxt
    check "the parser takes anything" test -z "$(
        protoc --proto_path="$DMX_TEST_DATA/triton" \
            --encode=inference.ModelConfig model_config.proto \
            <wrong.pbtxt 2>/dev/null)"
else
    echo "protoc is not here: the text format is not parsed"
fi
finish
