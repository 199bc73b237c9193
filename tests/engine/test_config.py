import pytest

from engine.config import QUALITY, Config, read_config
from engine.core.errors import InputError


def test_defaults_and_overrides(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("quality: draft\nseed: 3\n")
    config = read_config(path, seed=4, device=None)
    assert (config.quality, config.seed, config.device) == ("draft", 4, "cpu")
    assert config.preset is QUALITY["draft"]
    assert read_config(None) == Config()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quality: [draft", "line"),
        ("qualty: draft", "quality"),
        ("quality: best", "draft, standard, fine"),
        ("seed: -1", "seed"),
        ("seed: many", "seed"),
        ("threads: 2.5", "threads"),
        ("turntable: 7", "turntable"),
        ("harmonise: maybe", "harmonise"),
        ("- draft", "name: value"),
        ("device: cdua", "cuda"),
        ("", "empty"),
    ],
)
def test_broken_config_names_file_field_and_mend(tmp_path, text, words):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_config(path)
    said = str(error.value)
    assert "c.yaml" in said and words in said and error.value.hint and "\n" not in said
    assert error.value.exit_code == 2
