"""Translation of `cluster.yaml` into Parsl's configuration."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD
from parsl.executors.status_handling import BlockProviderExecutor
from parsl.jobs.error_handlers import windowed_error_handler
from parsl.jobs.states import JobStatus
from parsl.providers import LocalProvider, LSFProvider, PBSProProvider, SlurmProvider
from parsl.providers.base import ExecutionProvider

from agent.executor.cluster import interchange
from agent.executor.cluster.cluster_file import ClusterFile

LABEL = "workers"
# A worker that has died is missed after a period, a machine that has gone away after the threshold, which is also when
# workers whose controller has gone away end.
_HEARTBEAT_S, _THRESHOLD_S = 5, 120
_POLL_MS = 100
_STRATEGY_S = 1  # between two looks at whether a job has to be replaced
_COMMAND_S = 60  # for the scheduler to answer
_DRAIN = 0.9  # of a job's time; after that it is given nothing new
_UNBOUNDED = 1e-3  # cores of a worker: the number of workers is what the file says, on any machine
# Parsl looks its programs up by name, which finds them in an activated environment only.
_PYTHON = f"{shlex.quote(sys.executable)} -m parsl.executors.high_throughput"
_INTERCHANGE = [sys.executable, "-m", interchange.__name__]


def configuration(cluster: ClusterFile, folder: Path) -> tuple[Config, HighThroughputExecutor]:
    """Return Parsl's configuration and its one executor; its files go into `folder`."""
    executor = HighThroughputExecutor(
        label=LABEL,
        provider=_provider(cluster),
        address=cluster.reached_at,
        launch_cmd=DEFAULT_LAUNCH_CMD.replace("process_worker_pool.py", f"{_PYTHON}.process_worker_pool"),
        interchange_launch_cmd=_INTERCHANGE,
        max_workers_per_node=cluster.workers,
        cores_per_worker=_UNBOUNDED,
        heartbeat_period=_HEARTBEAT_S,
        heartbeat_threshold=_THRESHOLD_S,
        poll_period=_POLL_MS,
        drain_period=None if cluster.walltime_s is None else int(_DRAIN * cluster.walltime_s),
        block_error_handler=_give_up,
        encrypted=True,
    )
    # A failed trial is a result: retries are decided by the controller, which knows the reason.
    return Config(
        executors=[executor],
        retries=0,
        run_dir=str(folder),
        strategy="simple",
        strategy_period=_STRATEGY_S,
        usage_tracking=0,
        initialize_logging=False,
    ), executor


def _provider(cluster: ClusterFile) -> ExecutionProvider:
    """Return the provider that submits jobs. Ended jobs are replaced, so that their number stays constant."""
    nodes, workers, gpus = cluster.nodes, cluster.workers, cluster.gpus_per_node
    blocks: dict[str, Any] = {
        "init_blocks": nodes,
        "min_blocks": nodes,
        "max_blocks": nodes,
        "worker_init": "\n".join(cluster.setup),
    }
    if cluster.scheduler == "local":
        return LocalProvider(**blocks)  # type: ignore[no-untyped-call]
    options = cluster.scheduler_options.strip()
    job: dict[str, Any] = {**blocks, "walltime": _clock(cluster.walltime_s or 0.0), "cmd_timeout": _COMMAND_S}
    if cluster.scheduler == "slurm":
        return SlurmProvider(
            partition=cluster.partition,
            account=cluster.account,
            cores_per_node=workers,
            gpus_per_node=gpus or None,
            exclusive=False,
            scheduler_options=options,
            **job,
        )
    if cluster.scheduler == "lsf":
        return LSFProvider(  # type: ignore[no-untyped-call]
            queue=cluster.queue,
            project=cluster.account,
            request_by_nodes=False,
            cores_per_block=workers,
            cores_per_node=workers,
            bsub_redirection=True,
            scheduler_options="\n".join(filter(None, [options, f'#BSUB -gpu "num={gpus}"' if gpus else ""])),
            **job,
        )
    return PBSProProvider(  # type: ignore[no-untyped-call]
        queue=cluster.queue,
        account=cluster.account,
        cpus_per_node=workers,
        select_options=f"ngpus={gpus}" if gpus else "",
        scheduler_options=options,
        **job,
    )


def _clock(seconds: float) -> str:
    """Return HH:MM:SS, the format of Parsl."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _give_up(executor: BlockProviderExecutor, status: dict[str, JobStatus]) -> None:
    """Fail all waiting calls if the last three jobs failed and no other is left (Parsl's own rule counts the first)."""
    if all(job.terminal for job in status.values()):
        windowed_error_handler(executor, status, 3)
