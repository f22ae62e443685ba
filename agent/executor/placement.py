"""The kind of slot for code that trains one at a time, on a machine with slots on GPUs and on the cores beside them.

Such code decides by values, so a GPU cannot train several of it at once, and a core may take less time for one. It is
timed on both, for each number of steps, and goes where it takes less; elsewhere only if nothing there is free.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memory.records import Device


@dataclass
class Placement:
    """The seconds of the newest training on each kind of slot, by the source hash of its code and its steps."""

    _seconds: dict[tuple[str, int, Device], float] = field(default_factory=dict)

    def note(self, source: str, steps: int, device: Device, seconds: float) -> None:
        """Note how long a training of some code has taken."""
        self._seconds[source, steps, device] = seconds

    def prefers_core(self, source: str, steps: int) -> bool:
        """Return whether a core takes less time, as timed; what has not been timed on one of them goes there first."""
        on_core, on_gpu = (self._seconds.get((source, steps, device)) for device in ("cpu", "gpu"))
        if on_core is None or on_gpu is None:
            return on_core is None
        return on_core <= on_gpu
