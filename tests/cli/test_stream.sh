# stream: raw and WAV through pipes, every kind of output, the exact mode,
# messages and refusals.
source "$(dirname "$0")/helpers.sh"
model=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
raw=s16le,44100,2
stream() {
    "$DEMUCS_ONNX" stream -m "$model" --threads 1 "$@"
}

# Three seconds of the demo song.
ffmpeg -v error -y -i "$DMX_TEST_DATA/demo/song.flac" -t 3 -bitexact song.wav
ffmpeg -v error -y -i song.wav -f s16le song.raw
ffmpeg -v error -y -i song.wav -f f32le song.f32
bytes=$(stat -c %s song.raw)

# The largest difference of two raw files of 16-bit samples.
difference() {
    paste -d ' ' <(od -An -v -w2 -t d2 "$1") <(od -An -v -w2 -t d2 "$2") |
        awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d }
             END { print most + 0 }'
}

# WAV in, WAV out of the same length; as in any pipe, the header has no length.
run 0 stream --stem vocals --hop 0.2 <song.wav
cp out vocals.wav
says err 'segments of .* hop 0\.2 s: 0\.25 s behind'
says err '3\.0 s; [0-9]+ runs, .* 0 late frames'
check "WAV output" test "$(ffprobe -v error -of csv=p=0 -show_entries \
    stream=codec_name,sample_rate,channels vocals.wav)" = pcm_s16le,44100,2
tail -c +45 vocals.wav >vocals.raw
check "as long as the input" test "$(stat -c %s vocals.raw)" = "$bytes"

# The integer engines: announced, and as accurate as promised.
run 0 stream -v --stem vocals --hop 0.2 --precision int16 --cache-dir "$WORK/c" \
    --raw $raw <song.raw
says err 'int16: ([6-9][0-9]|1[0-9][0-9])\.. dB of 60 promised|int16: .*exact'
check "int16 is near" test "$(difference out vocals.raw)" -le 60
run 2 stream --precision int4 <song.raw
says err 'not one of exact|int16|int8'

# The same as raw samples, in small pieces, through descriptors; no_vocals is
# the rest.
run 0 stream --stem vocals --hop 0.2 --raw $raw <song.raw
check "raw is WAV's samples" cmp "$WORK/out" vocals.raw
run 0 stream --hop 0.2 --raw $raw < <(
    head -c 100001 song.raw
    sleep 0.3
    tail -c +100002 song.raw
)
cp out all.raw
check "four stems side by side" test "$(stat -c %s all.raw)" = $((4 * bytes))
run 0 stream --hop 0.2 --raw $raw --json --fd vocals=3 --fd no_vocals=4 \
    <song.raw 3>vocals2.raw 4>rest.raw
says out '"late_frames": 0,'
says out '"frames": 132300,'
check "one descriptor" cmp vocals.raw vocals2.raw
check "the other" test "$(stat -c %s rest.raw)" = "$bytes"
run 0 stream --stem no_vocals --hop 0.2 --raw $raw <song.raw
check "no_vocals is the sum of the others" test "$(difference out rest.raw)" \
    -le 1

# Bits, and float input.
run 0 stream --stem bass --hop 0.5 --bits 24 --raw $raw <song.raw
check "24 bits" test "$(stat -c %s out)" = $((bytes * 3 / 2))
run 0 stream --stem bass --hop 0.5 --raw f32le,44100,2 <song.f32
check "float in, float out" test "$(stat -c %s out)" = $((bytes * 2))

# Exact: the samples of the offline separation, up to rounding of the level.
"$DEMUCS_ONNX" separate -m "$model" --stem drums --clip-mode none -o offline \
    --filename '{stem}.{ext}' song.wav >/dev/null
ffmpeg -v error -y -i offline/drums.wav -f s16le drums.raw
run 0 stream --stem drums --latency exact --raw $raw <song.raw
check "as long" test "$(stat -c %s out)" = "$bytes"
check "exact is offline" test "$(difference out drums.raw)" -le 2

# Live on a machine that is never fast enough: silence, counted, a warning.
run 0 stream --stem drums --hop 0.005 --fade 0 --live --raw $raw <song.raw
says err 'does not hold a hop of 0\.005 s.*--hop'
says err '[1-9][0-9]* late frames'
check "live is as long" test "$(stat -c %s out)" = "$bytes"

# A chosen hop.
run 0 stream --stem drums --latency low --raw $raw <song.raw
says err 'hop 0\.[0-9]+ s: '

# The table; 100 ms of algorithmic latency cost less than 0.3 dB.
run 0 stream --evaluate "$DMX_TEST_DATA/demo/song.flac" --hop 0.05 \
    --lookahead 0.04 --compare "$DMX_TEST_DATA/demo/true_{stem}.flac"
says out '^ +0\.050 +0\.040 +0\.100 .* [+-]0\.[0-9]+$'
check "within 0.3 dB of offline" awk '
    /^ +0\.050/ { seen = 1; if ($NF < -0.3) bad = 1 }
    END { exit bad || !seen }' out
run 0 stream --evaluate "$DMX_TEST_DATA/demo/song.flac" --seconds 3 --hop 0.5 \
    --compare "$DMX_TEST_DATA/demo/true_{stem}.flac"
says out '^ +0\.500 +0\.040'
says out 'longer than the segment|0\.320'
says out 'offline [0-9.]+ dB'
run 2 stream --evaluate "$DMX_TEST_DATA/demo/song.flac" --seconds 2 --hop 0.5 \
    --lookahead 3 --compare "$DMX_TEST_DATA/demo/true_{stem}.flac" --json
says err 'no hop and lookahead fits'

# Refusals.
run 2 stream --stem nobody --raw $raw <song.raw
says err "no stem 'nobody'"
run 2 stream --fd vocals <song.raw
says err 'expected STEM=N'
run 2 stream --fd nobody=3 <song.raw
says err 'no such stem'
run 2 stream --latency exact --hop 1 <song.raw
says err 'exact has no --hop'
run 2 stream --raw s16le,48000,2 --hop 0.2 <song.raw
says err 'has 48000 Hz, the model 44100'
run 1 stream --hop 0.2 <song.raw
says err 'no WAV file: say what raw samples come'
run 1 stream --hop 0.2 < <(head -c 30 song.wav)
says err 'ends within the header'
run 2 stream --hop 1.95 --raw $raw <song.raw
says err 'sees a window of'
run 2 stream --fd vocals=9 --hop 0.2 --raw $raw <song.raw 9>&-
says err 'file descriptor 9 is not open for writing'
run 2 stream --fd vocals=9 --hop 0.2 --raw $raw <song.raw 9<song.raw
says err 'file descriptor 9 is not open for writing'

# Samples go nowhere, over the input, or two stems into one file.
run 2 bash -c 'exec "$@" <song.raw >&-' - "$DEMUCS_ONNX" stream -q \
    -m "$model" --stem vocals --hop 0.2 --raw $raw
says err 'file descriptor 1 is not open for writing'
cp song.raw both.raw
run 2 bash -c 'exec "$@" <both.raw >>both.raw' - "$DEMUCS_ONNX" stream -q \
    -m "$model" --stem vocals --hop 0.2 --raw $raw
says err 'file descriptor 1 is the input'
check 'the input is as it was' cmp -s song.raw both.raw
run 2 stream --hop 0.2 --raw $raw --fd vocals=3 --fd no_vocals=3 3>two.raw \
    <song.raw
says err 'each stem needs its own'
run 2 stream --hop 0.2 --raw $raw --fd vocals=3 --fd no_vocals=4 3>two.raw \
    4>>two.raw <song.raw
says err 'each stem needs its own'

# Hostile headers are refused with a message.
printf 'RIFF\xff\xff\xff\xffWAVEjunk\xff\xff\xff\xff' >big.wav
run 1 stream --hop 0.2 <big.wav
says err 'header|beyond 16 MiB'
printf 'RIFF\0\0\0\0WAVEdata\4\0\0\0abcd' >none.wav
run 1 stream --hop 0.2 <none.wav
says err 'without a format'

# Within pipes of other programs: a reader that goes, one that is slow, a full
# disk, a WAV of unknown length, one channel, another rate.
stream --stem vocals --hop 0.5 <song.wav 2>err | head -c 1000 >/dev/null
check "a reader that goes: exit 1" test "${PIPESTATUS[0]}" = 1
says err "can't write to standard output: Broken pipe"
stream --stem vocals --hop 0.2 --raw $raw <song.raw 2>err | {
    sleep 1
    cat
} >slow.raw
check "a slow reader misses nothing" cmp slow.raw vocals.raw
if [ -c /dev/full ]; then
    stream --stem vocals --hop 0.5 <song.wav >/dev/full 2>err
    check "a full disk: exit 1" test $? = 1
    says err "can't write to standard output: No space left"
fi
{
    head -c 4 song.wav
    printf '\xff\xff\xff\xff'
    tail -c +9 song.wav | head -c 32
    printf '\xff\xff\xff\xff'
    tail -c +45 song.wav
} >endless.wav
run 0 stream --stem vocals --hop 0.2 <endless.wav
tail -c +45 out >endless.raw
check "a length that nobody knows" cmp endless.raw vocals.raw
ffmpeg -v error -y -i song.wav -ac 1 -f s16le mono.raw
run 0 stream --stem vocals --hop 0.2 --raw s16le,44100,1 <mono.raw
check "of one channel, the model's two" test "$(stat -c %s out)" = "$bytes"
ffmpeg -v error -y -i song.wav -ar 48000 other.wav
run 2 stream --stem vocals --hop 0.2 <other.wav
says err 'has 48000 Hz, the model 44100: resample before'
ffmpeg -v error -i song.wav -f wav - | stream --stem vocals --hop 0.2 2>err |
    ffmpeg -v error -y -i - -f s16le piped.raw
check "between two ffmpegs" cmp piped.raw vocals.raw

# A live stream without end is ended by Ctrl-C, and says what it was.
"$DEMUCS_ONNX" stream -m "$model" --threads 1 --stem vocals --hop 0.5 --live \
    --raw $raw </dev/zero >/dev/null 2>err &
program=$!
for ((i = 0; i < 600; i++)); do
    grep -q ' s behind' err && break
    sleep 0.1
done
sleep 1
kill -INT $program
wait $program
check "Ctrl-C: exit 130" test $? = 130
says err ' s; [0-9]+ runs, .* late frames'

# Without input, an interrupt ends it at once.
mkfifo pipe
sleep 20 >pipe &
writer=$!
stream --hop 0.2 --raw $raw --stem vocals <pipe >/dev/null 2>err &
program=$!
sleep 2
kill -TERM $(pgrep -P $program -f demucs-onnx || echo $program)
wait $program
check "interrupted: exit 130" test $? = 130
kill $writer
finish
