"""Hooks on toy models whose states are known in closed form: block l adds 10 ** l to every number."""

import weakref
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from dimscope.errors import ModelError, UsageError
from dimscope.models.capture import Capture, parse_layers


class Add(nn.Module):
    """x + amount, in the wrapping that is asked for."""

    def __init__(self, amount, wrap=lambda x: x):
        super().__init__()
        self.amount, self.wrap, self.n_calls = amount, wrap, 0

    def forward(self, hidden_states):
        self.n_calls += 1
        return self.wrap(hidden_states + self.amount)


class TimesNorm(nn.Module):
    """Not a real norm, only named like one: three times its input."""

    def forward(self, hidden_states):
        return 3 * hidden_states


class Toy(nn.Module):
    """Three blocks that add 10, 100 and 1000, and a last norm that triples."""

    def __init__(self, wrap=lambda x: x, unwrap=lambda x: x, last_norm=True, between=lambda x: x, by_name=False):
        super().__init__()
        self.layers = nn.ModuleList(Add(10.0**number, wrap) for number in (1, 2, 3))
        self.norm = TimesNorm() if last_norm else None
        self.unwrap, self.between, self.by_name = unwrap, between, by_name
        self.config = SimpleNamespace(model_type="toy", num_hidden_layers=3)
        self.arguments = []

    def forward(self, **inputs):
        self.arguments.append(sorted(inputs))
        x = inputs["x"]
        for block in self.layers:
            x = self.unwrap(block(hidden_states=x) if self.by_name else block(x))
            x = self.between(x)
        return self.norm(x) if self.norm is not None else x


class PreNormBlock(nn.Module):
    """A block whose first norm is declared after the one of its queries."""

    def __init__(self, amount, where="before"):
        super().__init__()
        self.q_norm, self.input_norm = TimesNorm(), TimesNorm()
        self.amount, self.where = amount, where

    def forward(self, x):
        first = x + 0 if self.where == "after" else x
        return x + self.amount + 0 * self.q_norm(self.input_norm(first) + 1)


class PreNorm(Toy):
    def __init__(self, where="before"):
        super().__init__()
        self.layers = nn.ModuleList(PreNormBlock(10.0**number, where) for number in (1, 2, 3))


STATES = torch.tensor([[[1.0], [3.0]], [[5.0], [0.0]]])  # pooled: 2 and 5
WEIGHTS = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
WHOLE = {
    "embed_00": [2.0, 5.0],
    "block_01": [12.0, 15.0],
    "block_02": [112.0, 115.0],
    "block_03": [1112.0, 1115.0],
    "final_norm_03": [3336.0, 3345.0],
}


def read(model, layers=range(4), site="block"):
    capture = Capture(model, list(layers), site)
    found = capture.run({"x": STATES}, WEIGHTS)
    assert list(found) == capture.names
    return {str(name): vectors.flatten().tolist() for name, vectors in found.items()}


def count_hooks(model):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [(lambda x: x, lambda x: x), (lambda x: (x, "weights"), lambda x: x[0]), (lambda x: [x], lambda x: x[0])],
    ids=["tensor", "tuple", "list"],
)
@pytest.mark.parametrize("by_name", [False, True])
def test_every_layer(wrap, unwrap, by_name):
    assert read(Toy(wrap, unwrap, by_name=by_name)) == WHOLE


@pytest.mark.parametrize(
    "layers", [[0], [1], [2], [3], [0, 3], [1, 2], [0, 1, 2, 3]], ids=lambda layers: "".join(map(str, layers))
)
def test_only_the_wanted_layers_are_read_and_nothing_behind_them_runs(layers):
    model = Toy()
    assert read(model, layers) == {name: value for name, value in WHOLE.items() if int(name[-2:]) in layers}
    assert [block.n_calls for block in model.layers] == [int(number < max(layers)) for number in range(3)]


def test_without_a_last_norm_the_last_block_is_the_last_site():
    assert read(Toy(last_norm=False)) == {name: value for name, value in WHOLE.items() if name != "final_norm_03"}


def test_the_stream_is_read_where_it_enters_the_next_block():
    """DeBERTa may put a convolution between two blocks; the model's hidden states are those that it leaves."""
    found = read(Toy(between=lambda x: 2 * x))
    assert (found["embed_00"], found["block_01"], found["block_02"]) == ([2, 5], [24, 30], [248, 260])
    assert found["block_03"] == [1248, 1260]


def test_one_block_that_is_called_several_times_is_several_layers():
    class Repeats(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Module()
            self.encoder.albert_layer_groups = nn.ModuleList([Add(10.0)])
            self.config = SimpleNamespace(model_type="albert", num_hidden_layers=3)

        def forward(self, x):
            for _ in range(3):
                x = self.encoder.albert_layer_groups[0](x)
            return x

    assert read(Repeats()) == {"embed_00": [2, 5], "block_01": [12, 15], "block_02": [22, 25], "block_03": [32, 35]}
    assert read(Repeats(), [2]) == {"block_02": [22, 25]}


def test_a_norm_that_is_called_before_the_blocks_is_not_the_last_norm():
    class Early(Toy):
        def forward(self, **inputs):
            x = inputs["x"] + 0 * self.norm(inputs["x"])
            for block in self.layers:
                x = block(x)
            return x

    with pytest.raises(ModelError, match="the forward pass of Early did not reach: final_norm_03"):
        read(Early())
    assert read(Early(), [0, 1]) == {"embed_00": [2, 5], "block_01": [12, 15]}


def test_block_norm_is_the_first_norm_that_is_called():
    model = PreNorm()
    capture = Capture(model, [0, 1, 2, 3], "block_norm")
    found = capture.run({"x": STATES}, WEIGHTS)
    assert [str(name) for name in found] == ["block_norm_00", "block_norm_01", "block_norm_02", "final_norm_03"]
    assert [vectors.flatten().tolist() for vectors in found.values()] == [[6, 15], [36, 45], [336, 345], [3336, 3345]]
    assert [name.module for name in capture.names] == [
        "layers.0.input_norm", "layers.1.input_norm", "layers.2.input_norm", "norm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Toy(), "the blocks at layers hold no norm of their own; use --site block"),
        (PreNorm("after"), r"the blocks at layers do not start with a norm \(post-norm architecture\); use --site block"),
    ],
    ids=["no norm", "not first"],
)
def test_block_norm_of_other_blocks_is_refused(model, text):
    with pytest.raises(ModelError, match=text):
        read(model, site="block_norm")
    assert count_hooks(model) == 0


def test_hooks_are_gone_after_a_run():
    model = Toy()
    read(model)
    assert count_hooks(model) == 0


@pytest.mark.parametrize("site", ["block", "block_norm"])
def test_hooks_are_gone_after_an_error(site):
    model = PreNorm()
    model.layers[1].forward = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        read(model, site=site)
    assert count_hooks(model) == 0


def test_hooks_are_gone_when_they_cannot_all_be_made(monkeypatch):
    model = Toy()

    def refuse(*_, **__):
        raise RuntimeError("no more hooks")

    monkeypatch.setattr(model.layers[2], "register_forward_hook", refuse)
    with pytest.raises(RuntimeError, match="no more hooks"):
        read(model)
    assert count_hooks(model) == 0


def test_a_second_batch_starts_anew():
    capture = Capture(Toy(), [0, 1, 2, 3], "block")
    capture.run({"x": STATES}, WEIGHTS)
    again = capture.run({"x": STATES + 1}, WEIGHTS)
    assert {str(name): vectors.flatten().tolist() for name, vectors in again.items()} == {
        name: [value + (3 if name == "final_norm_03" else 1) for value in values] for name, values in WHOLE.items()
    }


def test_the_model_is_asked_for_nothing_but_its_inputs():
    model = Toy()
    read(model)
    assert model.arguments == [["x"]]


def test_no_state_of_a_layer_outlives_the_next():
    """At the last block only its own input and output are alive, whatever was pooled on the way."""
    model, states, alive = Toy(), [], []

    def watch(_module, _args, output):
        states.append(weakref.ref(output))
        alive.append(sum(ref() is not None for ref in states))

    for block in model.layers:
        block.register_forward_hook(watch)
    kept = Capture(model, [0, 1, 2, 3], "block").run({"x": STATES}, WEIGHTS)
    assert alive == [1, 2, 2]
    assert all(vectors.shape == (2, 1) for vectors in kept.values())
    assert not any(vectors.requires_grad for vectors in kept.values())


@pytest.mark.parametrize("wrap", [lambda x: x.transpose(0, 1), lambda x: x[:, :1], lambda x: x[0]], ids=["time", "cut", "flat"])
def test_states_of_another_shape_are_refused(wrap):
    states = torch.zeros((2, 3, 4))
    with pytest.raises(
        ModelError, match=r"block_03 of Toy has states of shape \(.*\); \(2, 3\) \(examples, tokens\) and a width"
    ):
        Capture(Toy(unwrap=lambda x: states, wrap=wrap), [3], "block").run({"x": states}, torch.ones((2, 3)))


def test_a_block_without_tensors_is_refused():
    model = Toy()
    model.forward = lambda **_: model.layers[0](hidden_states=None)
    with pytest.raises(ModelError, match="a block was called without any tensor"):
        read(model)


LAYERS = {
    "all": [0, 1, 2, 3, 4, 5, 6],
    "3": [3],
    "0,6,3": [0, 3, 6],
    "0:6:2": [0, 2, 4, 6],
    "0:5:2": [0, 2, 4],
    "4:": [4, 5, 6],
    ":2": [0, 1, 2],
    "::3": [0, 3, 6],
    "1:3, 2:4 ,6": [1, 2, 3, 4, 6],
    "2:2": [2],
}


@pytest.mark.parametrize("text", list(LAYERS))
def test_layers_that_are_understood(text):
    assert parse_layers(text, 6, UsageError) == LAYERS[text]


@pytest.mark.parametrize("text", ["", "x", "1,,2", "1:2:3:4", "0:6:0", "0:6:-1", "1.5", "all,3", "3-5"])
def test_layers_that_are_not_understood(text):
    with pytest.raises(UsageError, match=f'--layers "{text}" is not understood; write all, or numbers and ranges'):
        parse_layers(text, 6, UsageError)


@pytest.mark.parametrize(
    ("text", "what"),
    [("7", "7"), ("-1", "-1"), ("5:9", "9"), ("0:1000000000000", "1000000000000"), ("4:2", "nothing"), ("3,8,9", "8, 9")],
)
def test_layers_that_are_not_there(text, what):
    with pytest.raises(UsageError, match=f'--layers "{text}" asks for {what}; this model has layers 0 to 6'):
        parse_layers(text, 6, UsageError)
