# Odd, damaged and missing files, and interruptions.
source "$(dirname "$0")/helpers.sh"
DEMO=$DMX_TEST_DATA/demo
MODEL=$(ls "$DEMO"/htdemucs_tiny-*.th)
separate() { "$DEMUCS_ONNX" separate -m "$MODEL" "$@"; }

# number N BYTES: little-endian.
number() {
    local n=$1 i
    for ((i = 0; i < $2; i++)); do
        printf "\\x$(printf %02x $((n & 255)))"
        n=$((n >> 8))
    done
}
# wav RATE CHANNELS BITS TAG: a WAV file around the samples on standard input.
wav() {
    local body size
    body=$(mktemp -p "$WORK")
    cat >"$body"
    size=$(stat -c %s "$body")
    printf RIFF
    number $((size + 36)) 4
    printf 'WAVEfmt '
    number 16 4
    number "$4" 2
    number "$2" 2
    number "$1" 4
    number $(($1 * $2 * $3 / 8)) 4
    number $(($2 * $3 / 8)) 2
    number "$3" 2
    printf data
    number "$size" 4
    cat "$body"
    rm "$body"
}
# Reproducible noise, a quarter of full scale.
noise() { # BYTES
    openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 -in /dev/zero 2>/dev/null |
        head -c "$1"
}
# field NAME: a number from the last song's JSON line.
field() {
    grep '"event": "song"' out | grep -Eo "\"$1\": [0-9.e+-]+" | head -n 1 |
        awk '{ print $2 }'
}
# odd NAME RATE CHANNELS FRAMES: separated, same rate, same length, stereo.
odd() {
    run 0 separate "$1" -o odd --stem bass --json --overwrite
    check "$1: rate" test "$(field out_samplerate)" = "$2"
    check "$1: channels in" test "$(field channels)" = "$3"
    check "$1: channels" test "$(field out_channels)" = 2
    check "$1: length" test "$(field out_frames)" = "$4"
}
# bad NAME PATTERN: refused in one line, nothing written.
bad() {
    run 1 separate "$1" -o bad
    says err "$2"
    check "$1: one line" test "$(wc -l <err)" = 1
    check "$1: nothing is written" test ! -e bad
}

noise 4 | wav 44100 2 16 1 >one-sample.wav
odd one-sample.wav 44100 2 1
head -c 400000 /dev/zero | wav 44100 2 16 1 >silent.wav
odd silent.wav 44100 2 100000
check "silence stays silent" test "$(field peak)" = 0
noise 16000 | wav 8000 1 16 1 >8k.wav
odd 8k.wav 8000 1 8000
noise 768000 | wav 192000 2 16 1 >192k.wav
odd 192k.wav 192000 2 192000
noise 480000 | wav 48000 24 16 1 >24-channels.wav
odd 24-channels.wav 48000 24 10000
for ((i = 0; i < 5000; i++)); do printf '\0\0\xc0\x7f\0\0\x80\x3e'; done |
    wav 44100 2 32 3 >nan.wav
odd nan.wav 44100 2 5000
check "NaN is counted" test "$(field nonfinite)" = 5000
says err '5000 samples are not finite'
noise 60001 | wav 44100 2 16 1 | head -c 40000 >cut-off.wav
run 0 separate cut-off.wav -o odd --stem bass

: >empty.wav
bad empty.wav 'empty'
head -c 0 /dev/zero | wav 44100 2 16 1 >no-frames.wav
bad no-frames.wav 'no-frames.wav'
noise 50000 >corrupt.mp3
bad corrupt.mp3 'corrupt.mp3'
head -c 30 "$DEMO/song.flac" >truncated.flac
bad truncated.flac 'truncated.flac'
mkfifo pipe
run 1 separate . -o odd --model nothing.th

# A 48 kHz mono MP3 comes back at 48 kHz, stereo, of the same length.
noise 300000 | wav 48000 1 16 1 >mono.wav
run 0 separate mono.wav -o mp3 --mp3 --mono --stem bass --filename '{stem}.{ext}'
odd mp3/bass.mp3 48000 1 150000
run 0 separate mp3/bass.mp3 -o odd2 --mono --stem bass --json
check "one channel" test "$(field out_channels)" = 1
run 0 separate mono.wav -o odd3 --samplerate 22050 --stem bass --json
check "another rate" test "$(field out_samplerate) $(field out_frames)" = \
    "22050 68907"

# Exact sums: the samples of all stems add up to the song's.
samples() { tail -c "$2" "$1" | od -An -v -t d2 -w2; }
noise 200000 | wav 48000 2 16 1 >sum.wav
for stems in '' '--two-stems vocals' '--two-stems drums --other-method minus'; do
    rm -rf sum
    # shellcheck disable=SC2086
    run 0 separate sum.wav -o sum --exact-sum $stems --filename '{stem}.wav'
    paste <(samples sum.wav 200000) <(cat /dev/null) >song.txt
    for file in sum/*.wav; do
        samples "$file" 200000 | paste song.txt - >next.txt
        mv next.txt song.txt
    done
    check "sums exactly: $stems" awk '{ s = 0
        for (i = 2; i <= NF; i++) s += $i
        if (s != $1) exit 1 }' song.txt
done

# Loud stems are brought within full scale as the original does, or as asked.
run 0 separate sum.wav -o clip --clip-mode clamp --stem bass --json
run 0 separate sum.wav -o clip2 --clip-mode none --stem bass --json
run 0 separate sum.wav -o clip3 --clip-mode tanh --stem bass --dither --int24

# Ctrl-C: stops within a second and leaves nothing.
for engine in native reference; do
    noise 30000000 | wav 44100 2 16 1 >long.wav
    "$DEMUCS_ONNX" separate -m "$MODEL" long.wav -o stopped \
        --engine $engine >out 2>err &
    pid=$!
    for ((i = 0; i < 100; i++)); do
        [ -n "$(ls -A stopped/long 2>/dev/null)" ] && break
        sleep 0.1
    done
    start=$(date +%s%N)
    kill -INT $pid
    wait $pid
    code=$?
    took=$((($(date +%s%N) - start) / 1000000))
    check "$engine: exit code $code" test $code = 130
    check "$engine: stopped after $took ms" test $took -lt 3000
    check "$engine: nothing stays" test ! -e stopped
done

# A full disk, simulated by a file-size limit.
if (ulimit -f 100) 2>/dev/null; then
    run 1 bash -c 'ulimit -f 100; "$@"' - "$DEMUCS_ONNX" separate -m "$MODEL" \
        sum.wav long.wav -o full --clip-mode clamp --stem bass
    check "nothing of the large one" test ! -e full/long
fi
finish
