# DJ stem files: one file per song, readable by other programs; the choice of
# stems; lists, results and skips; refusals, and no leftovers.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
SIX=$DMX_TEST_DATA/htdemucs_6s/model.th
NAME=$(basename "$MODEL" .th)
separate() { "$DEMUCS_ONNX" separate -m "$MODEL" "$@"; }
no_parts() { check "no part files" test -z "$(find . -name '*.dmx-part')"; }

# The text of the box, read independently of the library.
names() { # FILE
    grep -ao '"stems":\[.*\]' "$1" | grep -o '"name":"[^"]*"' |
        cut -d'"' -f4 | tr '\n' ' '
}

mkdir -p lib/a
short_song lib/one.wav
short_song lib/a/two.wav
run 0 separate lib -o dj --filename '{folder}/{track}.{ext}' --stem-mp4 \
    --results r.jsonl --resume r.jsonl
check "the paths are said" test "$(sort out | tr '\n' ' ')" = \
    "dj/a/two.stem.mp4 dj/lib/one.stem.mp4 "
check "and nothing else is there" test "$(find dj -type f | sort | tr '\n' ' ')" \
    = "dj/a/two.stem.mp4 dj/lib/one.stem.mp4 "
check "names" test "$(names dj/a/two.stem.mp4)" = "drums bass other vocals "
check "results name the file" test "$(grep -c \
    '"files": \[{"stem": "all", "file": "dj/[a-z/]*.stem.mp4", "bytes": [1-9]' \
    r.jsonl)" = 2
cp dj/a/two.stem.mp4 before
run 0 separate lib -o dj --filename '{folder}/{track}.{ext}' --stem-mp4 \
    --results r.jsonl --resume r.jsonl
says err 'done already'
run 1 separate lib/a/two.wav -o dj/a --stem-mp4
says err 'two.stem.mp4: exists; --overwrite'
run 0 separate lib/a/two.wav -o dj/a --stem-mp4 --skip-existing
says err 'skipped'
run 0 separate lib/a/two.wav -o dj/a --stem-mp4 --overwrite
check "the same bytes" cmp before dj/a/two.stem.mp4

# In the folder of the songs: stem files are not songs, whoever made them.
cp before lib/old.stem.mp4
run 0 separate lib -o lib --filename '{track}.{ext}' --stem-mp4
check "beside the songs" test "$(cd lib && find . -type f | sort | tr '\n' ' ')" \
    = "./a/two.wav ./old.stem.mp4 ./one.stem.mp4 ./one.wav ./two.stem.mp4 "
rm lib/*.stem.mp4

# The default name, JSON, a picture.
run 0 separate lib/one.wav --stem-mp4 --json --plot p.svg --jobs 2
says out '"stem": "mix", "file": "separated/.*/one.stem.mp4", "peak"'
says out '"stem": "vocals", "file": "separated/.*/one.stem.mp4", "peak"'
check "default name" test -s "separated/$NAME/one.stem.mp4"
check "five pictures" test "$(grep -o '>mix<\|>drums<\|>vocals<' p.svg | wc -l)" = 3

# Six stems: four of them, by sums.
six() { "$DEMUCS_ONNX" separate -m "$SIX" lib/one.wav "$@"; }
run 2 six -o s --stem-mp4
says err 'the model 6; sum some of them, .* --mix-stems other,guitar,piano'
run 2 six -o s --stem-mp4 --mix-stems other,guitar
says err 'with these --mix-stems there are 5'
run 2 six -o s --stem-mp4 --mix-stems other,guitar --mix-stems other,piano
says err "'other' is summed twice"
run 2 six -o s --stem-mp4 --mix-stems other,flute
says err "no stem 'flute'; it has drums"
check "nothing is written" test ! -e s
run 0 six -o s --stem-mp4 --mix-stems other,guitar,piano
check "a sum in its place" test "$(names s/one.stem.mp4)" = \
    "drums bass other+guitar+piano vocals "
run 0 six -o t --stem-mp4 --mix-stems drums,bass --mix-stems guitar,piano
check "two sums" test "$(names t/one.stem.mp4)" = \
    "drums+bass other vocals guitar+piano "
run 2 "$DEMUCS_ONNX" separate -m "$DMX_TEST_DATA/mono_two_stems/model.th" \
    lib/one.wav -o s --stem-mp4
says err 'four stems, the model 2; take a model of four'

# Wrong usage.
refused() { # PATTERN ARGUMENT...
    local pattern=$1
    shift
    run 2 separate lib/one.wav -o refused --stem-mp4 "$@"
    says err "$pattern"
    check "nothing is written: $*" test ! -e refused
}
refused 'does not go with' --stem vocals
refused 'does not go with' --stems drums,bass
refused 'does not go with' --two-stems vocals
refused 'does not go with' --karaoke
refused 'does not go with' --stdout vocals
refused 'does not go with' --mono
refused 'does not go with' --exact-sum
refused 'does not go with' --compare 'x{stem}.wav'
refused 'only one of' --flac
refused 'for WAV and FLAC' --int24
refused 'has no .stem.' --filename '{track}/{stem}.{ext}'
refused 'must be ' --filename '{track}.mp4'
refused 'at most' --bitrate 512 --samplerate 8000
run 2 separate lib/one.wav lib/a/two.wav -o refused --stem-mp4 \
    --filename 'x.stem.mp4'
says err 'needs .track.'
run 2 separate lib/one.wav -o . --stem-mp4 --filename 'm.stem.mp4' \
    --plot m.stem.mp4
check "nothing is written" test ! -e m.stem.mp4

# A full disk, simulated by a file-size limit; Ctrl-C.
if (ulimit -f 60) 2>/dev/null; then
    run 1 bash -c 'ulimit -f 60; "$@"' - "$DEMUCS_ONNX" separate -m "$MODEL" \
        lib/one.wav -o full --stem-mp4 --clip-mode clamp
    check "nothing of the large one" test ! -e full
fi
head -c 40 lib/one.wav >long.wav
le32 30000000 >>long.wav
for ((i = 0; i < 170; i++)); do tail -c +45 lib/one.wav; done >>long.wav
"$DEMUCS_ONNX" separate -m "$MODEL" long.wav -o stopped --stem-mp4 >out 2>err &
pid=$!
for ((i = 0; i < 100; i++)); do
    [ -n "$(ls -A stopped 2>/dev/null)" ] && break
    sleep 0.1
done
kill -INT $pid
wait $pid
code=$?
check "Ctrl-C: exit code $code" test $code = 130
check "Ctrl-C: nothing stays" test ! -e stopped
no_parts

# As another program sees it.
if ! command -v ffprobe >/dev/null || ! command -v ffmpeg >/dev/null; then
    echo "without ffprobe and ffmpeg: the file as they read it is not checked"
    finish
fi
ffmpeg -v error -i lib/one.wav -metadata title=Eins -metadata artist=Nobody \
    tagged.flac
run 0 separate tagged.flac -o probed --stem-mp4
F=probed/tagged.stem.mp4
of() { ffprobe -v error -of csv=p=0 -show_entries "$@" "$F" | tr '\n' ' '; }
check "ffprobe has no complaint" test -z "$(ffprobe -v warning "$F" 2>&1)"
check "five AAC tracks" test "$(of stream=codec_name,sample_rate,channels)" = \
    "aac,44100,2 aac,44100,2 aac,44100,2 aac,44100,2 aac,44100,2 "
n=$(ffprobe -v error -of csv=p=0 -show_entries stream=duration_ts tagged.flac)
check "one length, gapless" test "$(of stream=start_pts,duration_ts)" = \
    "0,$n 0,$n 0,$n 0,$n 0,$n "
check "the mix alone is played" test "$(of stream_disposition=default)" = "1 0 0 0 0 "
check "title and artist" test "$(of format_tags=title,artist)" = "Eins,Nobody "
check "names" test "$(names "$F")" = "drums bass other vocals "
ffmpeg -v error -f lavfi -i testsrc=s=16x16 -frames:v 1 cover.png
ffmpeg -v error -i tagged.flac -i cover.png -map 0:a -map 1:v -c:v copy \
    -disposition:v attached_pic covered.mp3
run 0 separate covered.mp3 -o probed --stem-mp4
F=probed/covered.stem.mp4
check "the cover" test "$(of stream=codec_name)" = \
    "aac aac aac aac aac png "
check "and still names" test "$(names "$F")" = "drums bass other vocals "
F=probed/tagged.stem.mp4
for i in 0 1 2 3 4; do
    check "track $i decodes" ffmpeg -v error -xerror -i "$F" -map 0:a:$i -f null -
done
finish
