from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import InputError
from engine.core.pattern_types import EdgeRef, Pattern, Seam
from garments.seams import check_pattern, seam_lengths, span_length, split_spans
from tests.garments.shapes import dart, rectangle


def test_a_sound_pattern_has_no_warnings():
    pattern = dart()
    assert check_pattern(pattern) == ()
    assert seam_lengths(pattern, pattern.seams[1]) == pytest.approx((0.12, 0.18))


def test_cuts_go_through_chains_of_seams():
    """A span boundary on one edge cuts its partner, and the partner's partner."""
    pattern = Pattern(
        "chain", tuple(rectangle(n, 0.4, 0.2) for n in "abcd"),
        (
            Seam(EdgeRef("a", 1), EdgeRef("b", 3, 1.0, 0.0)),
            Seam(EdgeRef("b", 1, 0.0, 0.3), EdgeRef("c", 3, 1.0, 0.0)),
            Seam(EdgeRef("b", 1, 0.3, 1.0), EdgeRef("d", 3, 1.0, 0.0)),
            Seam(EdgeRef("a", 0), EdgeRef("b", 1, 0.0, 1.0), kind="closure"),
        ),
    )
    spans, joined, groups = split_spans(pattern)
    cuts_a = sorted(s.end for s in spans if s.panel == 0 and s.edge == 0)
    assert cuts_a == pytest.approx([0.3, 1.0])
    assert len(joined[3]) == 2 and len(joined[0]) == 1
    for seam in joined:
        for one, two in seam:
            assert groups[one] == groups[two]
    total = sum(span_length(pattern, s) for s in spans)
    assert total == pytest.approx(4 * 1.2)


def test_faults_are_named():
    pattern = dart()
    first = pattern.seams[0]

    def with_seam(seam: Seam) -> Pattern:
        return replace(pattern, seams=(*pattern.seams, seam))

    cases = [
        (with_seam(Seam(EdgeRef("sleeve", 0), first.b)), "no panel 'sleeve'"),
        (with_seam(Seam(EdgeRef("strip", 9), first.b)), "'strip' has no edge 9"),
        (with_seam(Seam(EdgeRef("strip", 0, 0.2, 1.4), first.b)), "span 0.2 to 1.4"),
        (with_seam(Seam(EdgeRef("strip", 0), EdgeRef("body", 0, 0.1, 0.5))), "edge 0 of panel 'body' is sewn"),
        (replace(pattern, panels=pattern.panels + pattern.panels[:1]), "two panels are called 'body'"),
        (replace(pattern, panels=()), "no panels"),
        (with_seam(Seam(EdgeRef("strip", 1), EdgeRef("body", 2, 0.0, 0.01))), "sews 3.0 cm .* to 0.1 cm"),
    ]
    for broken, text in cases:
        with pytest.raises(InputError, match=text):
            check_pattern(broken)


def test_strong_gathers_and_loose_panels_are_warned_of():
    pattern = dart()
    loose = replace(pattern, panels=(*pattern.panels, rectangle("pocket", 0.1, 0.1)))
    assert any("'pocket' is not sewn" in w for w in check_pattern(loose))
    gathered = replace(loose, seams=(*pattern.seams, Seam(EdgeRef("pocket", 0), EdgeRef("body", 1, 0.0, 0.07))))
    assert any("sews 10.0 cm" in w for w in check_pattern(gathered))


def test_groups_hold_darts_together():
    spans, joined, groups = split_spans(dart())
    (one, two), = joined[0]
    assert spans[one].edge == 3 and spans[two].edge == 4 and groups[one] == groups[two]
    assert len(np.unique(groups)) == len(spans) - 3


def test_a_remainder_too_short_to_cut_is_left_unsewn():
    pattern = dart()
    crumb = Seam(EdgeRef("strip", 0, 0.5, 0.50002), EdgeRef("body", 1, 0.0, 0.0001))
    spans, joined, _ = split_spans(replace(pattern, seams=(*pattern.seams, crumb)))
    assert check_pattern(replace(pattern, seams=(*pattern.seams, crumb))) == ()
    assert joined[3] == [] and len(spans) == len(split_spans(pattern)[0])
    with pytest.raises(InputError, match="seam 3 sews 22.5 cm to nothing"):
        check_pattern(replace(pattern, seams=(*pattern.seams, replace(crumb, a=EdgeRef("strip", 0, 0.5, 1.0)))))
