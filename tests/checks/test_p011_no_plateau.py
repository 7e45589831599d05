"""P011 speaks when the dimension changes with the rank at every rank."""

from dimscope.checks.p011_no_plateau import NoPlateau
from profiles import make_profile

RANKS = (2, 4, 8, 16)


def with_scale(*layers):
    """A profile whose layers have these values at ranks 2, 4, 8, 16."""
    columns = {f"gride_{rank}": [layer[place] for layer in layers] for place, rank in enumerate(RANKS)}
    columns |= {f"gride_{rank}_err": 0.01 for rank in RANKS}
    return make_profile([layer[0] for layer in layers], **columns)


def test_a_steady_fall_speaks_with_its_size():
    finding = NoPlateau().look(with_scale([40.0, 30.0, 22.0, 16.0], [20.0, 15.0, 11.0, 8.0]))
    assert (finding.code, finding.severity, finding.layers) == ("P011", "tip", ())
    assert finding.text == ("The dimension changes by 30% or more per doubling of the rank; least between ranks 2 and 8.")


def test_one_flat_part_is_enough():
    assert NoPlateau().look(with_scale([40.0, 22.5, 22.0, 21.0], [20.0, 12.0, 11.0, 10.8])) is None


def test_the_limit_is_a_threshold():
    profile = with_scale([10.0, 9.5, 9.0, 8.6], [10.0, 9.5, 9.0, 8.6])
    assert NoPlateau().look(profile) is None
    assert NoPlateau(most=0.01).look(profile) is not None


def test_without_three_ranks_it_is_silent():
    assert NoPlateau().look(make_profile([9.0, 3.0], gride_2=9.0, gride_4=3.0)) is None
    assert NoPlateau().look(make_profile([9.0, 3.0])) is None


def test_layers_without_values_do_not_count():
    nan = float("nan")
    assert NoPlateau().look(with_scale([nan] * 4, [nan] * 4)) is None
    assert NoPlateau().look(with_scale([nan] * 4, [40.0, 30.0, 22.0, 16.0])) is not None
