"""Shops' own tables: what is read, and what is said of a wrong one."""

import numpy as np
import pytest

from engine.core.errors import InputError, UnsupportedError
from recsys.schema import relevant, strengths
from recsys.tables import read_embeddings, read_interactions, read_items

ITEMS = """item_id,name,available_from,colour,price
a,Red tee,2026-01-01,red|pink,19.9
b,Blue coat,,blue,120
c,,1767225600,,
"""
EVENTS = """user_id,item_id,timestamp,event,value,zone
u1,a,2026-01-02T10:00:00Z,buy,,
u2,b,2026-01-01,rating,4.5,
u1,b,1767225601.5,fit,tight,waist
u1,x,2026-01-03T00:00:00+01:00,,,
"""


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_items(tmp_path):
    items = read_items(write(tmp_path / "items.csv", "\ufeff" + ITEMS))
    assert items.ids == ("a", "b", "c") and items.label(0) == "Red tee" and items.label(2) == "c"
    assert items.categories["colour"] == [("red", "pink"), ("blue",), ()]
    np.testing.assert_array_equal(items.numbers["price"], [19.9, 120, np.nan])
    assert items.available_from[0] == items.available_from[2] == 1767225600 and np.isnan(items.available_from[1])


def test_codes_are_categories_though_they_look_like_numbers(tmp_path):
    text = "item_id,style_code,department_no,price,size_id\na,108,12,19,1.5\nb,108,7,25,2.5\n"
    items = read_items(write(tmp_path / "items.csv", text))
    assert items.categories == {"style_code": [("108",), ("108",)], "department_no": [("12",), ("7",)]}
    assert set(items.numbers) == {"price", "size_id"}


def test_interactions_are_sorted_typed_and_extend_the_catalogue(tmp_path):
    items = read_items(write(tmp_path / "items.csv", ITEMS))
    events, catalogue, warnings = read_interactions(write(tmp_path / "e.csv", EVENTS), items)
    assert (np.diff(events.time) >= 0).all() and len(events) == 4
    assert catalogue.ids == ("a", "b", "c", "x") and "1 items" in warnings[0]
    assert [catalogue.ids[i] for i in events.item] == ["b", "b", "a", "x"]
    np.testing.assert_allclose(strengths(events), [1, 0, 1, 1])
    assert relevant(events).tolist() == [True, False, True, True]


def test_parquet_reads_like_csv(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (pip install .[shop])")
    import pyarrow.parquet as pq

    table = pa.table({"user_id": ["u", "v"], "item_id": ["a", "b"], "timestamp": [1767225600, 1767225700]})
    pq.write_table(table, tmp_path / "e.parquet")
    events, catalogue, _ = read_interactions(tmp_path / "e.parquet")
    assert catalogue.ids == ("a", "b") and events.time.tolist() == [1767225600, 1767225700]
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="not a readable Parquet"):
        read_interactions(tmp_path / "bad.parquet")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "no column"),
        ("user_id,item_id\nu,a\n", "timestamp"),
        ("user_id,item_id,timestamp\n", "no events"),
        ("user_id,item_id,timestamp\nu,a\n", "row 2: has 2 cells"),
        ("user_id,item_id,timestamp\nu,a,1767225600\n,a,1767225600\n", "row 3, column user_id"),
        ("user_id,item_id,timestamp\nu,a,yesterday\n", "row 2, column timestamp: 'yesterday'"),
        ("user_id,item_id,timestamp\nu,a,1767225600000\n", "row 2, column timestamp"),
        ("user_id,item_id,timestamp\nu,a,nan\n", "row 2, column timestamp"),
        ("user_id,item_id,timestamp,event\nu,a,1,steal\n", "row 2, column event: 'steal'"),
        ("user_id,item_id,timestamp,event,value\nu,a,1,rating,9\n", "row 2, column value: '9'"),
        ("user_id,item_id,timestamp,event,value\nu,a,1,fit,ok\n", "row 2, column value: 'ok'"),
        ("user_id,item_id,timestamp,timestamp\nu,a,1,1\n", "one name twice"),
        ('user_id,item_id,timestamp\n"u,a,1\n', "row"),
    ],
)
def test_wrong_interactions(tmp_path, text, place):
    path = write(tmp_path / "e.csv", text)
    with pytest.raises(InputError) as caught:
        read_interactions(path)
    assert str(path) in caught.value.message and place in caught.value.message and caught.value.hint


def test_wrong_files(tmp_path):
    with pytest.raises(InputError, match="no such"):
        read_items(tmp_path / "none.csv")
    with pytest.raises(UnsupportedError, match="neither .csv nor .parquet"):
        read_items(write(tmp_path / "items.xlsx", "x"))
    (tmp_path / "latin.csv").write_bytes(b"item_id,name\n1,caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_items(tmp_path / "latin.csv")
    with pytest.raises(InputError, match="row 3, column item_id: 'a' stands twice"):
        read_items(write(tmp_path / "twice.csv", "item_id\na\na\n"))
    with pytest.raises(InputError, match="field larger|row"):
        read_items(write(tmp_path / "wide.csv", "item_id\n" + "a" * 20_000 + "\n"))


def test_embeddings(tmp_path):
    items = read_items(write(tmp_path / "items.csv", ITEMS))
    np.savez(tmp_path / "e.npz", item_id=np.array(["b", "z"]), embedding=np.ones((2, 3), np.float32))
    with_vectors = read_embeddings(tmp_path / "e.npz", items)
    assert np.isnan(with_vectors.embedding[0]).all() and with_vectors.embedding[1].tolist() == [1, 1, 1]
    np.savez(tmp_path / "bad.npz", item_id=np.array(["b"]), embedding=np.full((1, 3), np.nan))
    with pytest.raises(InputError, match="row 0 is not finite"):
        read_embeddings(tmp_path / "bad.npz", items)
    np.savez(tmp_path / "none.npz", item_id=np.array(["q"]), embedding=np.ones((1, 3)))
    with pytest.raises(InputError, match="no item_id is in the catalogue"):
        read_embeddings(tmp_path / "none.npz", items)
