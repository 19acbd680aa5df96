# Bags: a single member exports to one file, one-hot weights to one file per
# stem, any other matrix to one file per member.
source "$(dirname "$0")/helpers.sh"
repository=$DMX_TEST_DATA/model_repository
flags=--no-parity-check

if ! "$DEMUCS_ONNX" export "$repository/single.yaml" single.onnx $flags \
    >out 2>err; then
    cat err
    failures=$((failures + 1))
fi
check "one member, one file" test -f single.onnx

run 0 "$DEMUCS_ONNX" export "$repository/specialists.yaml" ft $flags
for stem in drums bass other vocals; do
    check "ft has $stem" test -f ft/specialists_$stem.onnx
done
check "and nothing else" test "$(ls ft | wc -l)" = 4
run 0 "$DEMUCS_ONNX" inspect ft/specialists_bass.onnx
says out 'stem +"bass"'
says out 'checkpoint_sha256 +"8212b610'
run 0 "$DEMUCS_ONNX" export "$repository/specialists.yaml" one $flags --stem bass
check "only the bass" test "$(ls one)" = specialists_bass.onnx
run 0 "$DEMUCS_ONNX" export "$repository/specialists.yaml" bass.onnx $flags \
    --stem bass
check "to a file" cmp -s bass.onnx one/specialists_bass.onnx
run 0 "$DEMUCS_ONNX" export "$repository/specialists.yaml" two $flags \
    --stems bass,vocals
check "two stems" test "$(ls two | wc -l)" = 2
run 2 "$DEMUCS_ONNX" export "$repository/specialists.yaml" x $flags --stem kazoo

# Each of several models gets its own report.
run 0 "$DEMUCS_ONNX" export "$repository/specialists.yaml" rep $flags \
    --stems bass,vocals --report ./r.d.json
check "two reports" test -s r.d_bass.json -a -s r.d_vocals.json -a \
    ! -e r.d.json
for stem in bass vocals; do
    hash=$(sha256sum "rep/specialists_$stem.onnx" | cut -d' ' -f1)
    check "the report of $stem" grep -q "$hash" "r.d_$stem.json"
done
run 0 "$DEMUCS_ONNX" export "$repository/specialists.yaml" rep1 $flags \
    --stem bass --report one.json
check "one model, one report" test -s one.json
run 0 "$DEMUCS_ONNX" export "$repository/pair.yaml" rep2 $flags --report p
check "without an ending" test -s p_0 -a -s p_1

run 0 "$DEMUCS_ONNX" export "$repository/pair.yaml" pair $flags
check "members and matrix" test "$(ls pair | tr '\n' ' ')" = \
    "pair.json pair_0.onnx pair_1.onnx "
check "the matrix" grep -q '\[1, 0, 1, 0.5\]' pair/pair.json
check "the files" grep -q '"pair_1.onnx"' pair/pair.json
run 2 "$DEMUCS_ONNX" export "$repository/pair.yaml" x $flags --stem bass

# A member whose checksum is not that of its name is refused.
mkdir broken
cp "$repository"/* broken
printf x >>broken/aaaa0001-c20dd4f3.th
run 1 "$DEMUCS_ONNX" export broken/pair.yaml x $flags
says err 'aaaa0001'
echo 'models: [aaaa0009]' >broken/missing.yaml
run 1 "$DEMUCS_ONNX" export broken/missing.yaml x $flags
echo 'models: &a [*a]' >broken/alias.yaml
run 1 "$DEMUCS_ONNX" export broken/alias.yaml x $flags
touch plainfile
run 1 "$DEMUCS_ONNX" export "$repository/pair.yaml" plainfile $flags
says err 'plainfile'
finish
