import numpy as np
import pytest

from engine.core import safe_io
from engine.core.errors import InputError, JobError


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b'{"a": 1,\n "b": }', "json.syntax"),
        (b'{"a": 1, "a": 2}', "json.duplicate_key"),
        (b'{"a": NaN}', "json.not_a_number"),
        (b"\xff\xfe\x00", "json.encoding"),
        (b"[" * 60 + b"]" * 60, "file.nested"),
        (b"[" * 100000, "file.nested"),
    ],
)
def test_broken_json_is_named(tmp_path, content, code):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        safe_io.read_json(path)
    assert error.value.code == code
    assert "x.json" in error.value.message and "\n" not in error.value.message


def test_json_syntax_error_names_line_and_column(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": 1,\n "b": }')
    with pytest.raises(InputError, match="line 2, column 7"):
        safe_io.read_json(path)


@pytest.mark.parametrize("content", ["a: [1", "a: &x 1\nb: *x", "a: !!python/object:os.system 1", "\tb: 1"])
def test_broken_or_unsafe_yaml_is_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match="x.yaml"):
        safe_io.read_yaml(path)


def test_missing_file_folder_and_oversize(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError):
            safe_io.read_bytes(path)
    big = tmp_path / "big.json"
    big.write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="more than"):
        safe_io.read_bytes(big, limit=50)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.json"
    safe_io.write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        safe_io.write_json(path, {"a": float("nan")})

    def breaks(stream):
        stream.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        safe_io.write_with(path, breaks)
    assert safe_io.read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_unwritable_place_is_a_job_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(JobError):
        safe_io.write_text(tmp_path / "file" / "x.txt", "x")


def test_npz_refuses_pickles_and_damage(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "x.pkl").write_bytes(b"x")
    for name in ("objects.npz", "damaged.npz", "x.pkl", "none.npz"):
        with pytest.raises(InputError, match=name):
            safe_io.load_npz(tmp_path / name)


def test_npz_size_is_checked_before_unpacking(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(1 << 20))
    with pytest.raises(InputError, match="unpacks to"):
        safe_io.load_npz(tmp_path / "bomb.npz", limit=1 << 20)
