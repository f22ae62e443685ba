import os
import signal

import pytest

from agent.base.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_the_signals_interrupts(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), Interruption():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


class Finalised:
    """Is interrupted while it is being finalised, where Python drops the exception."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wish_that_got_lost_in_a_finaliser_is_remembered() -> None:
    with Interruption() as interruption:
        interruption.check()
        Finalised()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
