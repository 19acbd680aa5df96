# What may be written, replaced and removed: never a file that is read, never
# a device, a pipe or a link, never what this run did not make.
source "$(dirname "$0")/helpers.sh"
DEMO=$DMX_TEST_DATA/demo
MODEL=$(ls "$DEMO"/htdemucs_tiny-*.th)
separate() { "$DEMUCS_ONNX" separate -m m.th --quiet "$@"; }
export_quick() { "$DEMUCS_ONNX" export --no-parity-check -q "$@"; }
cp "$MODEL" m.th
cp "$MODEL" whole.th
short_song s.flac
cp s.flac whole.flac
unchanged() { check "$1 is unchanged" cmp "$1" "whole.${1##*.}"; }
no_parts() { check "no part files" test -z "$(find . -name '*.dmx-part')"; }

# An output that is an input, by whatever name, or two outputs of one name.
ln m.th hard.th
ln -s m.th soft.th
for name in m.th hard.th soft.th ./m.th; do
    run 2 export_quick m.th "$name"
    says err 'this command reads|is read by this command'
    unchanged m.th
done
run 2 export_quick m.th r.onnx --report m.th
run 2 export_quick m.th r.onnx --report ./r.onnx
check "nothing is exported" test ! -e r.onnx
run 0 export_quick m.th v.onnx
cp v.onnx whole.onnx
run 2 "$DEMUCS_ONNX" verify v.onnx m.th --report v.onnx
run 2 "$DEMUCS_ONNX" verify v.onnx m.th --report soft.th
check "the verified model is unchanged" cmp v.onnx whole.onnx
unchanged m.th
echo '{}' >set.json
run 2 export_quick m.th set.json --config set.json

# The same for songs, other songs of the run, true stems and pictures.
cp s.flac song.svg
cp s.flac vocals.flac
run 2 separate song.svg -o o --plot song.svg --overwrite
run 2 separate s.flac vocals.flac -o . --filename '{stem}.flac' --flac \
    --stem vocals --overwrite
run 2 separate s.flac -o . --filename m.th --stem bass --overwrite
run 2 separate s.flac -o . --filename '{stem}.flac' --flac --stem vocals \
    --overwrite --compare 'vocals.flac'
for f in song.svg vocals.flac; do
    check "$f is unchanged" cmp "$f" whole.flac
done
unchanged m.th
check "nothing is written" test ! -e o
echo old >old.svg
run 1 separate s.flac -o o --stem bass --plot old.svg
says err 'old.svg: exists; --overwrite'
check "the old picture stays" grep -q old old.svg
run 0 separate s.flac -o o --stem bass --plot old.svg --overwrite
check "the old picture is replaced" grep -q '<svg' old.svg

# --results never appends to another file: a song, model, list, stem, or
# anything that holds other lines.
echo s.flac >list
cp list whole.list
echo mine >notes.txt
cp notes.txt whole.txt
ln s.flac hard.flac
for results in s.flac hard.flac m.th soft.th list notes.txt r/s/bass.wav \
    r/s.svg; do
    run 2 separate --files-from list -o r --stem bass --results $results \
        --plot 'r/{track}.svg'
    says err 'is read by this|which this command reads|a file of its own|else than'
    for f in s.flac m.th list notes.txt; do
        unchanged $f
    done
done
ln -s list r.json.begun
run 2 separate --files-from list -o r --stem bass --results r.json
unchanged list
rm r.json.begun hard.flac
check "nothing is written beside results" test ! -e r -a ! -e r.json
run 0 separate --files-from list -o r --stem bass --results r.json
run 0 separate --files-from list -o r --stem bass --results r.json \
    --resume r.json --skip-existing
# The file that makes a bag of models is read, too.
mkdir bag
cp m.th "bag/87685527-87685527.th"
echo "models: ['87685527']" >bag/b.yaml
cp bag/b.yaml whole.yaml
run 2 "$DEMUCS_ONNX" separate -q -n b --repo bag s.flac --stem bass -o bag \
    --filename b.yaml --overwrite
run 2 "$DEMUCS_ONNX" separate -q -n b --repo bag s.flac --stem bass -o x \
    --results bag/b.yaml
run 2 export_quick b bag/b.yaml --repo bag
run 2 export_quick b x.onnx --repo bag --report bag/b.yaml
run 2 "$DEMUCS_ONNX" verify v.onnx b --repo bag --report bag/b.yaml
unchanged bag/b.yaml
if mknod null2 c 1 3 2>/dev/null && mknod block b 7 254; then
    run 0 separate s.flac -o dev2 --stem bass --results null2
    run 2 separate s.flac -o dev2 --stem drums --results block
    check "nothing beside devices" test -z "$(ls -d ./*null2.begun block.begun \
        2>/dev/null)"
fi
for wrong in x segment=abc channels=-1 t_emb=foo; do
    run 2 "$DEMUCS_ONNX" inspect m.th --set $wrong
    run 2 export_quick m.th x.onnx --set $wrong
    run 2 separate s.flac -o x --set $wrong
done
check "lines of results" test "$(grep -c '^{"song": ' r.json)" = 1

# Songs whose files would have one name are found before any is written.
mkdir d
cp s.flac d/x.y1
cp s.flac d/xy.1
cp s.flac d/xy.flac
cp s.flac d/xy.wav
run 2 separate d/x.y1 d/xy.1 -o col -j 2 \
    --filename '{track}{trackext}/{stem}.{ext}'
run 2 separate d/xy.flac d/xy.wav -o col -j 2
says err 'two songs, d/xy.flac and d/xy.wav; .*\{trackext\}'
run 2 separate d/xy.flac d/xy.wav -o col --plot '{track}.svg' \
    --filename '{track}.{trackext}/{stem}.{ext}'
ln -s . same
run 2 separate s.flac -o col --stems bass,drums --filename '{stem}.wav' \
    --plot ./col/../col/bass.wav
mkdir l1
ln -s l1 l2
run 2 separate s.flac -o . --stem bass --filename l1/bass.svg \
    --plot l1/./bass.svg
check "nothing collides" test ! -e col
run 0 separate d/xy.flac d/xy.wav -o col -j 2 --stem bass \
    --filename '{track}.{trackext}/{stem}.{ext}'
check "extensions tell songs apart" test -s col/xy.flac/bass.wav -a \
    -s col/xy.wav/bass.wav

# Pipes, devices and links stay what they are.
mkfifo pipe
run 1 export_quick m.th pipe
says err 'no program reads'
cat pipe >through.onnx &
run 0 export_quick m.th pipe
wait $!
check "a model through a pipe" cmp through.onnx whole.onnx
check "the pipe is one" test -p pipe
run 1 separate s.flac -o . --filename pipe --stem bass --overwrite
cat pipe >through.wav &
run 0 separate s.flac -o . --filename pipe --stem bass --overwrite
wait $!
run 0 separate s.flac -o w --stem bass
check "a stem through a pipe" cmp through.wav w/s/bass.wav
cat pipe >through.json &
run 0 "$DEMUCS_ONNX" verify v.onnx m.th --no-parity-check -q --report pipe
wait $!
check "a report through a pipe" grep -q '"sha256"' through.json
if mknod null c 1 3 2>/dev/null; then
    run 0 export_quick m.th null
    run 0 separate s.flac -o . --filename null --stem bass --overwrite
    run 0 separate s.flac -o dev --stem bass --plot null.svg
    check "the device is one" test -c null
fi
echo old >target
ln -s target link
ln -s none dangling
run 0 export_quick m.th link
check "a link stays one" test -L link
check "its target is written" cmp target whole.onnx
run 0 export_quick m.th dangling
check "a link to nothing yet" test -L dangling -a -s none
ln -s w/s/bass.wav bass.link
run 0 separate s.flac -o . --filename bass.link --stem bass --overwrite
check "a stem through a link" test -L bass.link -a ! -L w/s/bass.wav
run 1 export_quick m.th /dev/full
says err 'No space'
ln -s loop loop
run 1 export_quick m.th loop
check "a loop stays one" test -L loop
echo junk >broken.th
run 1 export_quick broken.th link
check "a failure leaves the target" cmp target whole.onnx
no_parts

# Only folders that the run created are removed, and only if they stay empty.
mkdir -p mine/deep/out
echo junk >bad.mp3
run 1 separate bad.mp3 -o mine/deep/out
check "given folders stay" test -d mine/deep/out
run 1 separate bad.mp3 -o mine/deep/out/new/er
check "made folders go" test -d mine/deep/out -a ! -e mine/deep/out/new
mkdir -p songs
cp s.flac songs/a.flac
cp bad.mp3 songs/b.mp3
run 1 separate songs -o many -j 2 --stem bass
check "the others' folders stay" test "$(cd many && echo *)" = a
run 1 "$DEMUCS_ONNX" export m.th no/such/folder/x.onnx
check "no folder is made" test ! -e no

# Part files of others are neither opened nor removed: names are unpredictable.
echo precious >secret
for i in $(seq $$ $(($$ + 50))); do
    ln -s secret "j.json.$i-0.dmx-part"
    echo theirs >"t.onnx.$i-0.dmx-part"
done
run 0 "$DEMUCS_ONNX" verify v.onnx m.th --no-parity-check -q --report j.json
run 0 export_quick m.th t.onnx
check "a planted link is not followed" grep -q precious secret
check "others' files stay" test "$(ls t.onnx.*-part | wc -l)" = 51
rm -f ./*.dmx-part

# The part file of a killed process is removed; that of a live one stays.
"$DEMUCS_ONNX" export m.th k.onnx -q &
for _ in $(seq 100); do
    ls k.onnx.*.dmx-part >parts 2>/dev/null && break
    sleep 0.05
done
check "a part is there" test -s parts
run 0 export_quick m.th k.onnx
check "a living part stays" test -e "$(cat parts)" -o -n "$(jobs -n)"
wait $! || { echo "FAIL: the first export"; failures=$((failures + 1)); }
"$DEMUCS_ONNX" export m.th k.onnx -q &
for _ in $(seq 100); do
    ls k.onnx.*.dmx-part >parts 2>/dev/null && break
    sleep 0.05
done
kill -9 $!
wait $! 2>/dev/null
check "a dead part is left" test -s parts -a -e "$(cat parts)"
run 0 export_quick m.th k.onnx
no_parts

# The same in two PID namespaces that share the folder, where process numbers
# mean nothing and often coincide.
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    inside() { unshare --pid --fork --mount-proc bash -c "$1"; }
    export DEMUCS_ONNX
    inside '"$DEMUCS_ONNX" export m.th n.onnx -q & p=$!
        until ls n.onnx.*.dmx-part >/dev/null 2>&1; do
            kill -0 $p || exit; sleep 0.02
        done; kill -9 $p; wait' 2>/dev/null
    check "a dead part is left there" test -n "$(ls n.onnx.*.dmx-part)"
    run 0 inside '"$DEMUCS_ONNX" export --no-parity-check m.th n.onnx -q'
    check "and goes, whatever its number" cmp n.onnx whole.onnx
    no_parts
    inside '"$DEMUCS_ONNX" export m.th n.onnx -q' 2>err.first &
    for _ in $(seq 100); do
        ls n.onnx.*.dmx-part >parts 2>/dev/null && break
        sleep 0.05
    done
    check "a part is there" test -s parts
    run 0 inside 'true; "$DEMUCS_ONNX" export --no-parity-check m.th n.onnx -q'
    wait $!
    check "both are written" test $? = 0 -a ! -s err.first
    check "the last one stays whole" cmp n.onnx whole.onnx
    no_parts
else
    echo "skipped: parts of other PID namespaces (unshare needs root)"
fi

# Long names, up to the system's limit.
for n in 236 245 250; do
    name=$(printf 'x%.0s' $(seq "$n")).onnx
    run 0 export_quick m.th "$name"
    check "a name of $((n + 5)) bytes" cmp "$name" whole.onnx
done
run 1 export_quick m.th "$(printf 'x%.0s' $(seq 251)).onnx"
long=$(printf 'y%.0s' $(seq 250)).flac
cp s.flac "$long"
run 0 separate "$long" -o long --stem bass
run 0 separate "$long" -o long --stem bass --filename '{track}_{stem}.{ext}'
check "long names" test "$(find long -name '*.wav' | wc -l)" = 2

# Names taken from files stay below -o, whatever they contain.
cp s.flac ./...flac
cp s.flac .flac
cp s.flac ' a .flac'
cp s.flac $'n\n\e[31mx.flac'
cp s.flac $'caf\xe9.flac'
cp s.flac 'b\c.flac'
run 0 separate ...flac .flac ' a .flac' $'n\n\e[31mx.flac' $'caf\xe9.flac' \
    'b\c.flac' -o x/y --stem bass
check "safe names" test "$(cd x/y && ls -d -- *)" = \
    "$(printf '%s\n' __ _a_ _flac b_c caf_ n__'[31mx' | LC_ALL=C sort)"
check "nothing beside" test "$(ls x)" = y
run 0 separate ...flac -o x/z --stem bass --filename '.{trackext}/{track}'
run 0 separate .flac -o x/z --stem bass --filename '.{trackext}./{track}'
check "nothing above" test "$(ls x)" = "$(printf 'y\nz')"
for option in --out --filename --plot --cache-dir --config --registry; do
    run 2 separate s.flac "$option" ''
    says err 'the value is empty'
done
run 2 export_quick m.th ''
run 2 separate ''
run 2 separate s.flac -o ''
check "nothing in the root folder" test ! -e /s
python3 - "$MODEL" <<'P' 2>/dev/null && {
import sys, zipfile
source = zipfile.ZipFile(sys.argv[1])
with zipfile.ZipFile('evil.th', 'w') as out:
    for item in source.infolist():
        data = source.read(item)
        if item.filename.endswith('data.pkl'):
            assert b'vocals' in data
            data = data.replace(b'vocals', b'../eee')
        out.writestr(item, data)
P
    for command in "separate s.flac -m evil.th -o e/e" "export evil.th e.onnx" \
        "inspect evil.th"; do
        run 1 "$DEMUCS_ONNX" $command
        says err "the source '../eee' can't be the name of a file"
    done
    check "nothing of a hostile model" test ! -e e -a ! -e e.onnx
}
finish
