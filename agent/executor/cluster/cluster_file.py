"""`cluster.yaml`: the user's description of a cluster, in the terms of its scheduler."""

from __future__ import annotations

import ipaddress
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import psutil
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.base.checked_yaml import read_document
from agent.base.duration import parse_duration
from stoichloop.errors import StoichloopError, UsageError
from stoichloop.extras import how_to_install

EXECUTORS = ("local", "parsl")
_LOOPBACK = "127.0.0.1"
_SUBMIT = {"slurm": "sbatch", "lsf": "bsub", "pbs": "qsub"}
# Keys that not every scheduler has.
_OWN = {
    "slurm": {"nodes", "walltime", "partition", "account", "address", "scheduler_options"},
    "lsf": {"nodes", "walltime", "queue", "account", "address", "scheduler_options"},
    "pbs": {"nodes", "walltime", "queue", "account", "address", "scheduler_options"},
    "local": set(),
}


def _duration(value: object) -> object:
    """Return a duration of a minute or more; refuse 12:00:00, which YAML reads as a number of seconds."""
    try:
        if isinstance(value, str) and parse_duration("walltime", value) >= 60.0:
            return value
    except StoichloopError:
        pass
    raise ValueError("must be a duration of at least a minute, like 12h or 90m")


class ClusterFile(BaseModel):
    """The content of `cluster.yaml`. Each node is a separate job; each of its workers runs one trial at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheduler: Literal["slurm", "lsf", "pbs", "local"]
    nodes: int = Field(default=1, ge=1, le=1_000)
    workers_per_node: int | None = Field(default=None, ge=1, le=256)
    gpus_per_node: int = Field(default=0, ge=0, le=64)
    walltime: Annotated[str, BeforeValidator(_duration)] | None = None
    partition: str | None = None
    queue: str | None = None
    account: str | None = None
    address: str | None = None
    setup: tuple[str, ...] = ()
    scheduler_options: str = ""

    @property
    def workers(self) -> int:
        """Workers of a node; by default one per GPU, or one."""
        return self.workers_per_node or self.gpus_per_node or 1

    @property
    def slots(self) -> list[str | None]:
        """For each worker, the number of its GPU among those of its node; None for a worker on the CPU."""
        gpus = self.gpus_per_node
        return [str(rank % gpus) if gpus else None for rank in range(self.workers)] * self.nodes

    @property
    def walltime_s(self) -> float | None:
        """Time limit of a job in seconds; None without a limit."""
        return None if self.walltime is None else parse_duration("walltime", self.walltime)

    @property
    def reached_at(self) -> str | None:
        """Address at which workers reach this machine; None lets Parsl try all its addresses."""
        if self.scheduler == "local":
            return _LOOPBACK
        return None if self.address is None else _address(self.address)


def choose(executor: str, file: Path | None, workers: int | None) -> ClusterFile | None:
    """Return the cluster that `--executor`, `--cluster` and `--workers` select, None for slots on this machine.

    Raises `StoichloopError` if the options contradict each other, or the file or this machine cannot serve.
    """
    if executor not in EXECUTORS:
        raise UsageError(f"--executor '{executor}' must be one of {', '.join(EXECUTORS)}")
    if executor == "local":
        if file is not None:
            raise UsageError(f"--cluster {file} says where Parsl runs trials; give --executor parsl with it")
        return None
    if file is None:
        raise UsageError("--executor parsl needs --cluster FILE; docs/cluster.md has examples")
    if workers is not None:
        raise UsageError(f"--workers {workers} is for slots on this machine; {file} says how many there are")
    cluster = read_cluster(file)
    if find_spec("parsl") is None:
        raise UsageError(f"--executor parsl needs Parsl, which is missing; {how_to_install('hpc')}")
    command = _SUBMIT.get(cluster.scheduler)
    if command is not None and shutil.which(command) is None:
        raise StoichloopError(
            f"{file}: scheduler '{cluster.scheduler}' takes jobs by the command {command}, which is not on this "
            "machine; start the campaign where jobs are submitted"
        )
    return cluster


def read_cluster(path: Path) -> ClusterFile:
    """Read `cluster.yaml`; raises `StoichloopError` naming the file, the key and the mend."""
    cluster = read_document(path, ClusterFile)
    scheduled = set().union(*_OWN.values())
    for key in sorted(cluster.model_fields_set & (scheduled - _OWN[cluster.scheduler])):
        own = sorted(set(ClusterFile.model_fields) - (scheduled - _OWN[cluster.scheduler]))
        raise StoichloopError(
            f"{path}: key '{key}' means nothing to scheduler '{cluster.scheduler}', whose keys are {', '.join(own)}"
        )
    if cluster.scheduler != "local" and cluster.walltime is None:
        raise StoichloopError(f"{path}: key 'walltime' is missing; give the longest run of a job, like 12h")
    if cluster.address is not None and _address(cluster.address) is None:
        raise StoichloopError(
            f"{path}: key 'address' is '{cluster.address}', which is neither an IP address nor a network interface "
            f"of this machine; it has {', '.join(sorted(psutil.net_if_addrs()))}"
        )
    return cluster


def _address(text: str) -> str | None:
    """Return an IP address unchanged, or the address of an interface; None if it is neither."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        own = psutil.net_if_addrs().get(text, [])
        return next((each.address for each in own if each.family == socket.AF_INET), None)
