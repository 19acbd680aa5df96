# A checkpoint's file that is deleted, replaced, changed or cut while songs are
# separated: a model of any length reads it again for a song's last piece.
source "$(dirname "$0")/helpers.sh"
MODEL=$DMX_TEST_DATA/family/demucs_repro/model.th
head -c 529200 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 \
    2>/dev/null >song.raw # three seconds of noise

separate() { # FOLDER: the song comes through a pipe
    "$DEMUCS_ONNX" separate - -m model.th --raw s16le,44100,2 --segment 1 \
        --json -o "$1" <pipe
}
# while_used CODE FOLDER COMMAND...: run once the model is open and waits for
# the second half of the song.
while_used() {
    local code=$1 folder=$2 program i
    shift 2
    rm -f pipe model.th events
    mkfifo pipe
    cp "$MODEL" model.th
    separate "$folder" >events 2>said &
    program=$!
    exec 5>pipe
    head -c 264600 song.raw >&5
    for ((i = 0; i < 600; i++)); do
        grep -q '"stage": "measure"' events && break
        sleep 0.1
    done
    check "the model is in use" grep -q '"stage": "measure"' events
    "$@"
    tail -c +264601 song.raw >&5
    exec 5>&-
    run "$code" wait $program
}
goes_on() { # NAME COMMAND...
    while_used 0 "$@"
    check "$1: the same stems" diff -r calm "$1"
}
stops() { # NAME WORDS COMMAND...
    local name=$1 words=$2
    shift 2
    while_used 1 "$name" "$@"
    says said "$words"
    check "$name: one line" test "$(wc -l <said)" = 1
    check "$name: no file" test -z "$(find "$name" -type f 2>/dev/null)"
}

replace() {
    head -c 100000 song.raw >other
    mv other model.th
}
change() {
    printf x | dd of=model.th bs=1 seek=1000000 conv=notrunc status=none
}

while_used 0 calm true
check "stems" test "$(find calm -type f | wc -l)" = 2
goes_on deleted rm model.th
goes_on replaced replace
goes_on written cp "$MODEL" model.th
stops changed 'model\.th: the file was changed while it is in use; start again' \
    change
stops cut 'model\.th.*shrank' truncate -s 1000000 model.th
finish
