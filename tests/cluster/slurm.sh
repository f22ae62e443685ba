#!/bin/bash
# A campaign through a real SLURM, of one node on loopback, without systemd: as root, in a container or a machine that is
# nobody else's.
#
#     apt-get install slurm-wlm munge
#     tests/cluster/slurm.sh [EXPERIMENTS]
#
# It starts munged, slurmctld and slurmd, leads a campaign on the tiny regime in a clone of its own, with one job of two
# workers, cancels that job in mid-trial, shows the jobs that SLURM saw and what was lost, checks that no job is left, and
# stops the daemons.
set -euo pipefail

experiments=${1:-3}
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d /tmp/stoichloop-slurm-XXXXXX)
conf=$work/slurm.conf
export SLURM_CONF=$conf

stop() {
    scancel --user root 2>/dev/null || true
    for name in slurmd slurmctld munged; do
        [ -s "$work/$name.pid" ] && kill "$(cat "$work/$name.pid")" 2>/dev/null || true
    done
}
trap stop EXIT

# Authentication: a key of this run's, and a socket where the client library looks for it.
install --directory --owner=munge --group=munge --mode=755 /run/munge
install --directory --owner=munge --group=munge --mode=700 "$work/munge"
chmod 755 "$work"
head --bytes=1024 /dev/urandom > "$work/munge/key"
chown munge: "$work/munge/key"
chmod 400 "$work/munge/key"
touch "$work/munged.pid"
chown munge: "$work/munged.pid"
setpriv --reuid=munge --regid=munge --clear-groups munged --key-file="$work/munge/key" --pid-file="$work/munged.pid" \
    --log-file="$work/munge/log" --seed-file="$work/munge/seed" --force
munge -n | unmunge > /dev/null

# No control groups, no accounting: processes are known by /proc, and jobs are forgotten when they have ended.
name=$(hostname -s)
cat > "$conf" <<EOF
ClusterName=one
SlurmctldHost=$name(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
JobCompType=jobcomp/filetxt
JobCompLoc=$work/jobs
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=$name Default=YES MaxTime=INFINITE State=UP
EOF
mkdir "$work/state" "$work/spool"
touch "$work/jobs"
slurmctld
slurmd
for _ in $(seq 60); do
    [ "$(sinfo --noheader --format=%T)" = idle ] && break
    sleep 0.5
done
sinfo

# A clone of the committed code, with its own data and runs.
git clone --quiet "$here" "$work/clone"
cd "$work/clone"
cat > "$work/cluster.yaml" <<EOF
scheduler: slurm
nodes: 1
workers_per_node: 2
walltime: 10m
partition: all
address: 127.0.0.1
EOF
cancel_one() {
    until compgen -G "$work/clone/runs/night/experiments/*/*/config.json" > /dev/null; do sleep 0.5; done
    sleep 2
    scancel $(squeue --noheader --format=%i --states=RUNNING)
}
cancel_one &
"$here/.venv/bin/stoichloop" explore pde_m1_tiny --campaign night --fidelity probe --planner moves \
    --experiments "$experiments" --budget 1h --executor parsl --cluster "$work/cluster.yaml"
echo "jobs that SLURM has seen:"
cat "$work/jobs"
echo "what was lost with the job that was cancelled:"
grep "lost with its worker" runs/night/log.md
left=$(squeue --noheader)
if [ -n "$left" ]; then
    echo "jobs are left: $left"
    exit 1
fi
echo "no job is left; the campaign is $work/clone/runs/night"
