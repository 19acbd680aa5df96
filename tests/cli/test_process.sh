# Closed descriptors, signals, threads.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
separate() { "$DEMUCS_ONNX" separate -m "$MODEL" "$@"; }
mkdir songs
for i in 1 2 3; do short_song "songs/$i.flac"; done

# Messages never end up in a stem, whichever descriptors are closed.
run 0 separate songs -o wanted -j 3
for k in 1 2 3 4 5 6; do
    case $k in
    1 | 2 | 3) separate songs -o closed -j 3 2>&- >/dev/null ;;
    4) separate songs -o closed -j 3 >&- 2>/dev/null ;;
    5) separate songs -o closed -j 3 <&- >/dev/null 2>&1 ;;
    6) separate songs -o closed -j 3 <&- >&- 2>&- ;;
    esac
    check "exit code with closed descriptors, $k" test $? = 0
    check "the same stems, $k" diff -r wanted closed
    rm -rf closed
done

# nohup: a hang-up that is ignored stays so.
(
    trap '' HUP
    exec "$DEMUCS_ONNX" separate -q -m "$MODEL" songs/1.flac -o hup \
        --shifts 100 >/dev/null
) &
sleep 0.3
kill -HUP $!
wait $!
check "goes on after a hang-up" test $? = 0

# One signal: an orderly end; two: an immediate one. Neither leaves part files.
for signals in 1 2; do
    "$DEMUCS_ONNX" separate -m "$MODEL" -q songs -o killed --shifts 100 --overlap 0.9 >/dev/null 2>&1 &
    for _ in $(seq 100); do
        find killed -name '*.dmx-part' 2>/dev/null | grep -q . && break
        sleep 0.05
    done
    check "it runs" test -d killed
    kill -TERM $!
    [ "$signals" = 1 ] || kill -TERM $!
    wait $!
    check "interrupted by $signals" test $? = 130
    check "no files" test -z "$(find killed -type f 2>/dev/null)"
    rm -rf killed
done

# While ONNX Runtime loads a model, which nothing interrupts, the program still
# ends soon. Two seconds of loading come first.
if [ -d "$SOURCE/third_party/onnxruntime" ]; then
    "$DMX_SLOW_MODEL" slow.onnx
    for signal in TERM INT HUP; do
        ( # background jobs of a script ignore SIGINT
            trap - INT
            exec "$DEMUCS_ONNX" separate -q --threads 1 -m slow.onnx songs/1.flac -o slow \
                >/dev/null 2>err
        ) &
        sleep 2
        check "it loads" kill -$signal $!
        start=$SECONDS
        wait $!
        check "interrupted while it loads" test $? = 130
        check "soon" test $((SECONDS - start)) -le 8
        check "no file" test -z "$(find slow -type f 2>/dev/null)"
        says err interrupted
    done
else
    echo "skipped: ends while ONNX Runtime loads (no third_party/onnxruntime)"
fi

# An error line is one write: lines of several processes do not mix.
check "a line is one write" python3 - "$DEMUCS_ONNX" <<'P'
import socket, subprocess, sys
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
subprocess.run([sys.argv[1], "inspect", "missing.th"], stderr=theirs)
theirs.close()
packets = []
while packet := ours.recv(65536):
    packets.append(packet)
assert len(packets) == 1 and packets[0].startswith(b"error: missing.th"), packets
P

# Far more threads than cores are not started.
run 0 separate songs/1.flac -o threads --threads 1024 --stem bass
says err '1024 threads on [0-9]+ cores? .*are used'
run 0 separate songs/1.flac -o threads --threads 4 --stem drums
check "a sensible number needs no word" test -z "$(grep threads err)"
run 2 separate songs/1.flac -o threads --threads 1025
finish
