import json

import numpy as np
import pytest

from engine.cli import main


def _refused(capfd, *argv: str) -> str:
    assert main([*argv, "--json"]) == 2
    return json.loads(capfd.readouterr().out)["code"]


def test_flags_that_need_others_say_so(tmp_path, capfd):
    assert _refused(capfd, "render", str(tmp_path), "--refine", "--weights", str(tmp_path / "none")) == "file.missing"
    for flags in (["--weights", "w"], ["--denoise"], ["--refine", "--mode", "strain"]):
        assert _refused(capfd, "render", str(tmp_path), *flags) == "cli.usage"


def test_training_refuses_what_cannot_be(tmp_path, capfd):
    assert _refused(capfd, "refine", "train", "--data", str(tmp_path)) == "refine.data"
    assert _refused(capfd, "refine", "train", "--data", str(tmp_path), "--square", "8") == "cli.range"
    assert _refused(capfd, "refine", "train", "--data", str(tmp_path), "--seconds", "nan") == "cli.range"
    (tmp_path / "train").mkdir()
    np.savez(tmp_path / "train" / "p.npz", format=np.int64(1))
    assert _refused(capfd, "refine", "train", "--data", str(tmp_path)) == "refine.pair"


@pytest.mark.parametrize("samples", ["0", "100000"])
def test_a_number_of_samples_out_of_range_is_refused_before_any_work(tmp_path, capfd, samples):
    pytest.importorskip("mitsuba", reason="the extra 'reference' is not installed")
    assert _refused(capfd, "render", str(tmp_path), "--reference", "--samples", samples) == "reference.samples"
