"""Size and fit: the table is read with care, predictions are sensible cold, and learn from verdicts."""

import numpy as np
import pytest

from engine.core.errors import InputError
from recsys.body_store import BodyStore
from recsys.event_log import Event, open_log
from recsys.schema import EVENTS, Catalogue
from recsys.size_chart import SizeChart, read_size_chart
from recsys.size_features import OVERALL
from recsys.size_file import load_sizes, save_sizes
from recsys.size_fit import Feedback, feedback_of, fit_sizes, kept_rows, person_effect, predict_sizes
from recsys.size_simulate import simulate_sizes

TABLE = """item_id,size,chest_cm,waist_cm,body_chest_cm,body_waist_cm,stretch_percent
tee,S,92,84,86,68,20
tee,M,98,90,92,74,20
tee,L,104,96,98,80,20
shirt,M,102,94,92,74,0
shirt,L,108,100,98,80,0
"""
NOBODY = Feedback((), *(np.zeros(0, int) for _ in range(4)))


@pytest.fixture
def chart(tmp_path):
    path = tmp_path / "sizes.csv"
    path.write_text(TABLE)
    return read_size_chart(path)


def ask(model, item, bust, waist, stderr=0.01, **kind):
    known = {"bust_girth": (bust, stderr), "waist_girth": (waist, stderr)}
    return predict_sizes(model, item, model.population.estimate(model.chart, known), **kind)


def best(sizes):
    return max(sizes, key=lambda s: s.overall[1]).size


def test_reads_a_size_table(chart):
    assert chart.items == ("tee", "shirt") and chart.sizes == ("S", "M", "L", "M", "L")
    assert chart.zones == ("bust_girth", "waist_girth")
    assert list(chart.rows("shirt")) == [3, 4] and chart.garment[3, 0] == pytest.approx(1.02)
    assert chart.stretch.tolist() == [0.2, 0.2, 0.2, 0, 0]


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [("tee,M", "tee,S", "twice"), ("92,84", "x,84", "row 2, column chest_cm"), ("waist_cm", "nose_cm", "nose"),
     ("chest_cm,waist_cm,body_chest_cm,body_waist_cm", "a,b,c,d", "no column of measurements")],
)  # fmt: skip
def test_wrong_tables_are_refused_by_name_and_place(tmp_path, old, new, word):
    path = tmp_path / "sizes.csv"
    path.write_text(TABLE.replace(old, new))
    with pytest.raises(InputError, match=word):
        read_size_chart(path)


def test_without_feedback_the_rule_of_ease_holds(chart):
    model = fit_sizes(chart, NOBODY, {})
    for bust, waist, size in ((0.86, 0.68, "S"), (0.92, 0.74, "M"), (0.98, 0.80, "L")):
        assert best(ask(model, "tee", bust, waist)) == size
    small, middle, large = ask(model, "tee", 0.92, 0.74)
    assert small.overall[0] > middle.overall[0] > large.overall[0]
    assert small.overall[2] < middle.overall[2] < large.overall[2]
    assert middle.zones["bust_girth"][1] == pytest.approx(0.06, abs=0.002)
    for s in (small, middle, large):
        np.testing.assert_allclose(s.overall.sum(), 1)
    # an unsure body makes an unsure answer; a stretchy cloth forgives what a woven one does not
    assert ask(model, "tee", 0.92, 0.74, stderr=0.06)[1].overall[1] < middle.overall[1]
    assert ask(model, "tee", 0.98, 0.80)[1].overall[0] < ask(model, "shirt", 0.98, 0.80)[0].overall[0]


def test_a_drape_that_is_strained_speaks_for_tightness(chart):
    model = fit_sizes(chart, NOBODY, {})
    calm, strained = (ask(model, "shirt", 0.92, 0.74, drape={3: np.full(2, v)})[0].overall for v in (0.0, -2.0))
    assert strained[0] > calm[0] + 0.2


def test_verdicts_move_the_item_and_the_person(chart):
    n = 12
    people, everywhere = tuple(f"p{k}" for k in range(n)), np.full(n, OVERALL)
    said = Feedback(people, np.arange(n), np.full(n, 3), everywhere, np.zeros(n, int))
    bodies = {f"p{k}": {"bust_girth": (0.92, 0.01), "waist_girth": (0.74, 0.01)} for k in range(n)}
    before, after = fit_sizes(chart, NOBODY, {}), fit_sizes(chart, said, bodies)
    assert best(ask(before, "shirt", 0.92, 0.74)) == "M" and best(ask(after, "shirt", 0.92, 0.74)) == "L"
    body = before.population.estimate(chart, bodies["p0"])
    mean, variance = person_effect(before, said.where(said.person < 3), body)
    assert mean < 0 and variance < before.spreads["person"][0] ** 2
    # an item of another chart profits from what was learnt of people, but not of the shirt
    other = after.for_chart(SizeChart(("new",), np.array([0, 2]), ("M", "L"), chart.zones, *(
        a[3:] for a in (chart.garment, chart.body, chart.stretch))))  # fmt: skip
    assert other.effects["item"][0].shape == (1, 4) and not other.effects["item"][0].any()


def test_a_body_is_inferred_from_kept_sizes(chart):
    model = fit_sizes(chart, NOBODY, {})
    guess = model.population.estimate(chart, {}, np.array([2, 4]))
    assert guess.value[0] == pytest.approx(0.98, abs=0.02) and best(predict_sizes(model, "tee", guess)) == "L"
    nothing = model.population.estimate(chart, {})
    assert (guess.stderr < nothing.stderr).all()


def test_calibrated_and_ahead_of_frequencies_on_simulated_shoppers():
    shop = simulate_sizes(people=150, items=20, verdicts=1500, seed=3)
    late = np.arange(len(shop.feedback)) > 0.8 * len(shop.feedback)
    learnt, judged = shop.feedback.where(~late), shop.feedback.where(late & (shop.feedback.zone == OVERALL))
    model = fit_sizes(shop.chart, learnt, shop.bodies)
    p = []
    for person, row in zip(judged.person, judged.row, strict=True):
        body = model.population.estimate(shop.chart, shop.bodies.get(judged.people[person], {}))
        own = person_effect(model, learnt.where(learnt.person == person), body)
        sizes = predict_sizes(model, shop.chart.items[shop.chart.row_item[row]], body, person=own)
        p.append(next(s for s in sizes if s.row == row).overall)
    p, hit = np.array(p), np.eye(3)[judged.verdict]
    often = np.eye(3)[learnt.verdict[learnt.zone == OVERALL]].mean(0)
    assert -np.log((p * hit).sum(1)).mean() < -np.log((often * hit).sum(1)).mean() - 0.1
    np.testing.assert_allclose(p.mean(0), hit.mean(0), atol=0.07)


def test_saved_and_read_back(chart, tmp_path):
    model = fit_sizes(chart, NOBODY, {})
    again = load_sizes(save_sizes(tmp_path / "sizes.npz", model))
    for a, b in zip(ask(model, "tee", 0.9, 0.7), ask(again, "tee", 0.9, 0.7), strict=True):
        assert a.size == b.size and (a.overall == b.overall).all()
    (tmp_path / "bad.npz").write_bytes(b"no")
    with pytest.raises(InputError):
        load_sizes(tmp_path / "bad.npz")


def test_feedback_and_kept_sizes_from_the_log_and_no_body_in_it(chart, tmp_path):
    log = open_log(tmp_path / "shop.db")
    log.add([
        Event("ann", "tee", "buy", time=1e9, size="M"), Event("ann", "tee", "fit", time=1e9 + 1, value="tight",
              zone="chest", size="M"), Event("ann", "tee", "fit", time=1e9 + 2, value="loose", size="M"),
        Event("ann", "tee", "return", time=1e9 + 3, size="M"), Event("ann", "shirt", "buy", time=1e9 + 4, size="L"),
        Event("ann", "tee", "fit", time=1e9 + 5, value="right", size="XXL"), Event("ann", "tee", "like", time=1e9 + 6),
    ])  # fmt: skip
    store = BodyStore(tmp_path / "bodies.db", log.pseudonym)
    assert store.put("ann", {"bust_girth": (0.97, 0.01)}) == 1
    events, catalogue = log.read(Catalogue.bare(["shirt"]))
    said = feedback_of(events, catalogue.ids, chart)
    assert said.row.tolist() == [1, 1] and said.zone.tolist() == [0, OVERALL] and said.verdict.tolist() == [0, 2]
    assert kept_rows(events, catalogue.ids, chart)[1].tolist() == [4]
    assert store.all() == {log.pseudonym("ann"): {"bust_girth": (0.97, 0.01)}}
    log.close()
    written = (tmp_path / "shop.db").read_bytes()
    assert b"bust" not in written and b"0.97" not in written and len(EVENTS) == 7
    assert store.forget("ann") == 1 and store.get("ann") == {}
    with pytest.raises(InputError, match="cannot be kept"):
        store.put("ann", {"bust_girth": (float("nan"), 0.01)})
