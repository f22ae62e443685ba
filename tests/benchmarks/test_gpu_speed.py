import json

import pytest

from agent.campaign.utilisation import Utilisation
from benchmarks.gpu_speed import GpuReport, gpu
from stoichloop.errors import StoichloopError


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(StoichloopError, match="no GPU can be seen"):
        gpu()


@pytest.mark.long
def test_the_report_has_every_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ((20, 30, 2), (40, 60, 1))
    constants = {"_FULL_STEPS": 40, "_SLOPE": (2, 12), "_SLOPE_OF_MANY": (2, 12), "_SEEDS": 2, "_SIZES": sizes}
    for name, value in constants.items():
        monkeypatch.setattr(f"benchmarks.gpu_speed.{name}", value)
    monkeypatch.setattr("benchmarks.gpu_speed._start_to_score", lambda workspace: [9.0, 7.0, 8.0])
    monkeypatch.setattr("benchmarks.gpu_speed._campaign", lambda *_: Utilisation(0.9, {}, 60.0, 0.5))
    gpu(device="cpu", members=8)
    report = GpuReport(**json.loads(capsys.readouterr().out))
    assert report.start_to_score_s.median == 8.0
    assert [each.members for each in report.together] == [1, 8]
    assert all(each.same_bits for each in report.together)
    assert len(report.exact.values) == 2
    assert report.exact == report.exact_on_cpu
    assert (report.campaign_full_trials_an_hour, report.campaign_gpu_busy) == (60.0, 0.5)
