"""Cluster files, and the requests to a scheduler that they become."""

import os
import re
from pathlib import Path

import pytest

from agent.executor.cluster.cluster_file import ClusterFile, choose, read_cluster
from agent.executor.cluster.parsl_config import configuration
from stoichloop.errors import StoichloopError

SLURM = "scheduler: slurm\nwalltime: 12h\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "cluster.yaml"
    path.write_text(text)
    return path


def test_each_node_has_its_workers_one_a_gpu_where_nothing_else_is_said(tmp_path: Path) -> None:
    assert read_cluster(written(tmp_path, "scheduler: local\nworkers_per_node: 4\n")).slots == [None] * 4
    cluster = read_cluster(written(tmp_path, SLURM + "nodes: 3\ngpus_per_node: 2\n"))
    assert (cluster.workers, cluster.slots) == (2, ["0", "1"] * 3)
    assert cluster.walltime_s == 12 * 3600.0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("scheduler: sge\n", "key 'scheduler' with value 'sge': Input should be 'slurm', 'lsf', 'pbs' or 'local'"),
        ("nodes: 2\n", "key 'scheduler'"),
        ("scheduler: local\nworkers: 2\n", "key 'workers' with value 2: Extra inputs are not permitted"),
        ("scheduler: local\nworkers_per_node: 0\n", "key 'workers_per_node' with value 0"),
        ("scheduler: slurm\n", "key 'walltime' is missing; give the longest run of a job, like 12h"),
        ("scheduler: slurm\nwalltime: 12:00:00\n", "key 'walltime' with value 43200"),
        ("scheduler: slurm\nwalltime: 30s\n", "must be a duration of at least a minute, like 12h or 90m"),
        (SLURM + "queue: long\n", "key 'queue' means nothing to scheduler 'slurm', whose keys are account, address"),
        ("scheduler: local\nwalltime: 12h\n", "key 'walltime' means nothing to scheduler 'local'"),
        (SLURM + "address: ib7\n", "'ib7', which is neither an IP address nor a network interface of this machine"),
        ("- slurm\n", "must hold a mapping of keys to values"),
    ],
)
def test_a_file_that_says_something_else_is_told_so_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(StoichloopError, match=re.escape(sentence)) as refusal:
        read_cluster(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)


def test_workers_reach_us_at_an_address_or_through_an_interface(tmp_path: Path) -> None:
    reached = {"": None, "address: 10.1.2.3\n": "10.1.2.3", "address: lo\n": "127.0.0.1"}
    for line, address in reached.items():
        assert read_cluster(written(tmp_path, SLURM + line)).reached_at == address
    assert ClusterFile(scheduler="local").reached_at == "127.0.0.1"


def test_what_does_not_go_together_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, SLURM)
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = {
        ("slurm", None, None): "--executor 'slurm' must be one of local, parsl",
        ("local", path, None): "give --executor parsl with it",
        ("parsl", None, None): "--executor parsl needs --cluster FILE",
        ("parsl", path, 4): "--workers 4 is for slots on this machine",
        ("parsl", path, None): "scheduler 'slurm' takes jobs by the command sbatch, which is not on this machine",
    }
    for arguments, sentence in asked.items():
        with pytest.raises(StoichloopError, match=re.escape(sentence)):
            choose(*arguments)
    assert choose("local", None, 4) is None


DIRECTIVES = {
    "slurm": (
        "nodes: 2\nworkers_per_node: 4\ngpus_per_node: 4\nwalltime: 90m\npartition: gpu\naccount: lab\n",
        "sbatch",
        "Submitted batch job 7",
        [
            "#SBATCH --nodes=1",
            "#SBATCH --time=90",
            "#SBATCH --cpus-per-task=4",
            "#SBATCH --gpus-per-node=4",
            "#SBATCH --partition=gpu",
            "#SBATCH --account=lab",
        ],
    ),
    "lsf": (
        "workers_per_node: 4\ngpus_per_node: 2\nwalltime: 90m\nqueue: normal\naccount: lab\n",
        "bsub",
        "Job <7> is submitted to queue <normal>.",
        [
            "#BSUB -W 90",
            "#BSUB -n 4",
            '#BSUB -R "span[ptile=4]"',
            '#BSUB -gpu "num=2"',
            "#BSUB -q normal",
            "#BSUB -P lab",
        ],
    ),
    "pbs": (
        "workers_per_node: 4\ngpus_per_node: 2\nwalltime: 90m\nqueue: normal\naccount: lab\n",
        "qsub",
        "7.server",
        ["#PBS -l walltime=01:30:00", "#PBS -l select=1:ncpus=4:ngpus=2", "-q normal", "-A lab"],
    ),
}


@pytest.mark.parametrize("scheduler", DIRECTIVES)
def test_a_job_asks_the_scheduler_for_what_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    keys, command, answer, directives = DIRECTIVES[scheduler]
    (tmp_path / command).write_text(f"#!/bin/sh\necho $* >> {tmp_path}/asked\necho '{answer}'\n")
    (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    setup = "address: 10.1.2.3\nsetup: [module load python, export A=b]\n"
    cluster = read_cluster(written(tmp_path, f"scheduler: {scheduler}\n{keys}{setup}"))
    provider = configuration(cluster, tmp_path)[1].provider
    assert provider is not None
    provider.script_dir = str(tmp_path)
    assert provider.submit("start the workers", 1, "job") in ("7", "7.server")
    (script,) = tmp_path.glob("job.*")
    lines, asked = script.read_text().splitlines(), (tmp_path / "asked").read_text()
    assert [directive for directive in directives if directive not in lines and directive not in asked] == []
    assert lines.index("module load python") < lines.index("export A=b") < lines.index("start the workers")
