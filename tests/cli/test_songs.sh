# Which songs a folder holds, and what happens before the first is opened.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
separate() { "$DEMUCS_ONNX" separate -m "$MODEL" --stem bass --quiet "$@"; }
songs() { find "${1:-.}" -name '*.wav' | LC_ALL=C sort | tr '\n' ' '; }

# Stems of an earlier run are not songs: in the default folder, in a given one,
# in the folder of the songs itself, and for songs in subfolders.
mkdir m m/deep
short_song m/a.flac
short_song m/deep/b.flac
cd m || exit 1
for o in "" "-o stems" "-o ." "-o deep"; do
    run 0 separate . $o
    first=$(songs)
    run 0 separate . $o --skip-existing
    check "the second run writes nothing ($o)" test "$(songs)" = "$first"
    find . -name '*.wav' -delete
    find . -type d -empty -delete
done
run 0 separate . -o x
run 0 separate x -o y --filename '{folder}/{track}/{stem}.{ext}'
check "a folder of stems that is asked for" test -s y/a/bass/bass.wav
cd .. || exit 1

# Each folder once, and none above the given one.
mkdir -p top/songs/a top/other
short_song top/songs/a/x.flac
short_song top/other/y.flac
short_song top/z.flac
ln -s .. top/songs/a/up
ln -s ../.. top/songs/a/upper
ln -s . top/songs/a/here
ln -s a top/songs/b
run 0 separate top/songs -o once
check "one song" test "$(songs once)" = "once/x/bass.wav "
ln -s ../other top/songs/other
run 0 separate top/songs -o linked
check "a linked folder is walked" test "$(songs linked)" = \
    "linked/x/bass.wav linked/y/bass.wav "
mkfifo top/songs/pipe.wav
run 0 separate top/songs -o linked --skip-existing

# {folder}: below the folder given, or the one a file lies in.
mkdir -p al/one al/two/live
short_song al/one/01.flac
short_song al/two/live/01.flac
run 2 separate al -o f
says err '01/bass.wav: would be written for two songs'
T='{folder}/{track}/{stem}.{ext}'
run 0 separate al -o f --filename "$T"
check "folders of a walk" test "$(songs f)" = \
    "f/one/01/bass.wav f/two/live/01/bass.wav "
cd al/one || exit 1
run 0 separate 01.flac ../two/live -o ../../g --filename "$T"
cd ../.. || exit 1
check "folders of files" test "$(songs g)" = \
    "g/live/01/bass.wav g/one/01/bass.wav "

# A folder that can't be read is reported, and the others are processed.
mkdir -p un/read un/able
short_song un/able/c.flac
chmod 000 un/read
if ! ls un/read >/dev/null 2>&1; then
    run 1 separate un -o un.o
    says err 'un/read: Permission denied'
    check "the others are done" test -s un.o/c/bass.wav
    run 1 separate un/read -o un.o
    says err 'un/read: Permission denied'
fi
chmod 700 un/read

# Songs are checked before any model is loaded or downloaded.
run 1 "$DEMUCS_ONNX" separate missing.wav -o none --cache-dir cache \
    --mirror http://127.0.0.1:9/
says err 'missing.wav: No such file'
check "nothing is fetched" test ! -e cache -a ! -e none
run 1 "$DEMUCS_ONNX" separate missing.wav --json -m none.th
says out '"event": "error", "song": "missing.wav"'
says out '"event": "end".*"failed": 1'
run 1 separate missing.wav al/one/01.flac -o some
check "those there are separated" test -s some/01/bass.wav
finish
