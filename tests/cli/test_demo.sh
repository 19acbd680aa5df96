# The demo completes where ONNX Runtime is found.
source "$(dirname "$0")/helpers.sh"
build=$(dirname "$DEMUCS_ONNX")
if [ -z "${DEMUCS_ONNXRUNTIME:-}" ]; then
    echo "no ONNX Runtime"
    exit 0
fi
run 0 "$SOURCE/scripts/demo.sh" "$build"
run 0 "$SOURCE/scripts/demo.sh" "$build" # and again
for stem in drums bass other vocals; do
    says out "/stems/song/$stem.wav	SDR [678]\.[0-9]+ dB"
done
says out 'demo/song.png'
finish
