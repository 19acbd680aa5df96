# Sourced in the top folder: names the ONNX Runtime that
# scripts/get-onnxruntime.sh fetched, unless the user named another.
for library in third_party/onnxruntime/libonnxruntime.{so,dylib}; do
  if [ -z "${DEMUCS_ONNXRUNTIME:-}" ] && [ -e "$library" ]; then
    export DEMUCS_ONNXRUNTIME=$PWD/$library
  fi
done
