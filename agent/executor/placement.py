"""The kind of slot that a training goes to where a machine has both: slots on GPUs, and on the cores beside them.

A GPU trains many at once in little more time than one. Code that decides by values trains one at a time, and a core may
take less time for that. So all code belongs on a GPU until one training of it has been timed on a core, and after that
wherever a training takes less time.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Placement:
    """The time of trainings on each kind of slot, by the source hash of their code: of the newest that completed."""

    _on_core: dict[str, float] = field(default_factory=dict)  # seconds a step
    _on_gpu: dict[tuple[str, int], float] = field(default_factory=dict)  # seconds of a process, by its number of steps

    def note(self, source: str, steps: int, seconds: float, *, on_gpu: bool) -> None:
        """Note how long a process has taken to train some code for a number of steps."""
        if on_gpu:
            self._on_gpu[source, steps] = seconds
        else:
            self._on_core[source] = seconds / steps

    def timed_on_core(self, source: str) -> bool:
        """Return whether code has been timed on a core."""
        return source in self._on_core

    def belongs_on_gpu(self, source: str, steps: int, together: int) -> bool:
        """Return whether a GPU takes less time than a core for each of so many trainings in one process.

        A process on a GPU takes about as long for several as for one.
        """
        on_core, on_gpu = self._on_core.get(source), self._on_gpu.get((source, steps))
        return on_core is None or on_gpu is None or on_gpu / together <= on_core * steps
