# The Slurm example on a cluster of one node that this test starts: 40 songs
# over 8 tasks of a job array, one killed and one requeued in the middle.
source "$(dirname "$0")/helpers.sh"
for tool in munged slurmctld slurmd sbatch; do
    command -v $tool >/dev/null || command -v /usr/sbin/$tool >/dev/null || {
        echo "$tool is not installed (scripts/install-deps.sh does it)"
        exit 77
    }
done
PATH=$PATH:/usr/sbin
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)

# ------------------------------------------------------------------ cluster
# The first of three consecutive free ports for the daemons.
port=$((20000 + RANDOM % 10000))
mkdir -p state spool log
chmod 755 "$WORK"
head -c 1024 /dev/urandom >munge.key
chmod 400 munge.key
stop() {
    for pid in slurmd slurmctld munged; do
        [ -f $pid.pid ] && kill "$(cat $pid.pid)" 2>/dev/null
    done
    sleep 1
    chmod -R u+w "$WORK"
    rm -rf "$WORK"
}
trap stop EXIT
munged --force --key-file="$WORK/munge.key" --socket="$WORK/munge.socket" \
    --pid-file="$WORK/munged.pid" --log-file="$WORK/log/munged.log" \
    --seed-file="$WORK/munge.seed" --num-threads=2
cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$(hostname -s)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$WORK/munge.socket
CredType=cred/munge
StateSaveLocation=$WORK/state
SlurmdSpoolDir=$WORK/spool
SlurmctldPidFile=$WORK/slurmctld.pid
SlurmdPidFile=$WORK/slurmd.pid
SlurmctldLogFile=$WORK/log/slurmctld.log
SlurmdLogFile=$WORK/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$WORK/slurm.conf
slurmctld -c -f "$SLURM_CONF" && slurmd -f "$SLURM_CONF"
for _ in $(seq 60); do
    sinfo -h -o %T 2>/dev/null | grep -q idle && break
    sleep 0.5
done
check "a cluster of one idle node" test "$(sinfo -h -o %T)" = idle

# -------------------------------------------------------------------- songs
mkdir songs
short_song one.wav
for i in $(seq -w 40); do
    song "songs/$i.wav" $((10#$i % 5 + 3))
done
ls songs/*.wav >songs.txt
mkdir bin
ln -s "$DEMUCS_ONNX" bin/demucs-onnx
export PATH=$WORK/bin:$PATH

# The command of the guide, with a local model and local songs.
sed -n '/^```sh slurm/,/^```/p' "$SOURCE/docs/cluster.md" | sed '1d;$d' |
    sed "s|htdemucs\b|$MODEL --shifts 4|; s|examples/|$SOURCE/examples/|;
         s|sbatch |sbatch --parsable --output=$WORK/log/%A_%a.out |" >command.sh
check "the guide has the command" grep -q 'sbatch.*slurm.sh' command.sh
job=$(bash -e command.sh)
check "a job: $job" test "$job" -gt 0

# The process that separates shard N on this machine.
process_of() {
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/cwd" 2>/dev/null)" = "$WORK" ] &&
            tr '\0' ' ' 2>/dev/null <"$p/cmdline" |
            grep -q "demucs-onnx separate .*results-$1.jsonl" &&
            basename "$p" && return
    done
}
state() { squeue -h -a -r -j "$job" -o '%i %T' | sed -n "s/^${job}_$1 //p"; }
# Waits until a task has begun at least one song.
in_the_middle() {
    for _ in $(seq 200); do
        [ -s "separated/results-$1.jsonl.begun" ] && return
        sleep 0.1
    done
}
again() { # a task starts again, now and not after Slurm's two minutes
    scontrol requeue "${job}_$1"
    for _ in $(seq 60); do
        [ "$(state "$1")" = PENDING ] && break
        sleep 0.2
    done
    scontrol update "jobid=${job}_$1" StartTime=now
}
in_the_middle 1
victim=$(process_of 1)
check "a process to kill" test -n "$victim"
kill -9 "$victim"
in_the_middle 2
again 2
for _ in $(seq 100); do
    [ -z "$(process_of 1)" ] && ! squeue -h -r -j "$job" -t R,CG -o %i |
        grep -q "_1$" && break
    sleep 0.2
done
again 1
for _ in $(seq 600); do
    [ -z "$(squeue -h -j "$job")" ] && break
    sleep 0.3
done
check "all tasks ended" test -z "$(squeue -h -j "$job")"

# ------------------------------------------------------------------ results
run 0 bash "$SOURCE/examples/cluster/merge.sh" separated/results-*.jsonl
check "exactly 40: $(wc -l <out)" test "$(wc -l <out)" = 40
check "40 songs" test "$(cut -d'"' -f4 out | sort -u | wc -l)" = 40
check "all done" test "$(grep -c '"state": "done"' out)" = 40
check "none twice" test "$(cat separated/results-*.jsonl | wc -l)" = 40
check "160 files" test "$(find separated/stems -name '*.wav' | wc -l)" = 160
grep -o '"file": "[^"]*", "bytes": [0-9]*, "sha256": "[0-9a-f]*"' out |
    sed 's/"file": "\(.*\)", "bytes.*sha256": "\(.*\)"/\2  \1/' >sums
check "160 hashes" test "$(wc -l <sums)" = 160
check "their hashes" sha256sum --quiet -c sums
check "shard 1 was begun twice" test \
    "$(wc -l <separated/results-1.jsonl.begun)" -gt \
    "$(wc -l <separated/results-1.jsonl)"
[ "$failures" = 0 ] || tail -n 5 log/*.log log/*.out
finish
