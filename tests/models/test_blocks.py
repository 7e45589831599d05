"""The rule that finds blocks and the last norm, on modules built for the purpose."""

from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch.nn import Identity, LayerNorm, Linear, Module, ModuleList, RMSNorm
from transformers import AutoModel, BertConfig, GPTNeoXConfig, LlamaConfig, T5Config, ViTConfig

from dimscope.errors import ModelError
from dimscope.models.base import Family
from dimscope.models.blocks import find_stack, is_norm, norm_paths, optional_module
from dimscope.models.parts import part_of


class Part(Module):
    """A module with the children that it is given, in that order."""

    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)


def blocks(n, width=4):
    return ModuleList(Part(norm=LayerNorm(width), dense=Linear(width, width)) for _ in range(n))


def model(n_layers=3, config=None, **children):
    made = Part(**children)
    made.config = config or SimpleNamespace(model_type="new", num_hidden_layers=n_layers)
    return made


def test_the_list_with_the_stated_number_of_blocks_is_taken():
    found = find_stack(model(3, others=blocks(5, 64), layers=blocks(3), heads=ModuleList([Linear(2, 2)] * 2)))
    assert (found.path, found.n_layers, len(found.blocks)) == ("layers", 3, 3)


def test_of_two_lists_of_that_number_the_larger_is_taken():
    small = ModuleList(Linear(2, 2) for _ in range(3))
    assert find_stack(model(3, small=small, encoder=Part(layer=blocks(3)))).path == "encoder.layer"


def test_the_outer_list_is_taken_when_blocks_hold_lists_themselves():
    layers = ModuleList(Part(experts=blocks(3), gate=Linear(4, 3)) for _ in range(3))
    assert find_stack(model(3, layers=layers)).path == "layers"


@pytest.mark.parametrize("name", ["num_hidden_layers", "n_layer", "num_layers", "n_layers"])
def test_the_number_is_read_under_every_usual_name(name):
    config = SimpleNamespace(model_type="new", **{name: 2})
    assert find_stack(model(config=config, wide=blocks(4, 64), layers=blocks(2))).path == "layers"


def test_a_norm_before_the_blocks_counts_only_by_its_name():
    named = model(norm=RMSNorm(4), layers=blocks(3))
    assert find_stack(named).final_norm is named.norm
    assert find_stack(model(input_norm=RMSNorm(4), layers=blocks(3))).final_norm is None
    both = model(norm=RMSNorm(4), layers=blocks(3), ln_f=LayerNorm(4))
    assert find_stack(both).final_norm is both.ln_f


def test_the_number_of_an_encoder_with_a_name_of_its_own_wins():
    config = SimpleNamespace(model_type="new", num_hidden_layers=2, encoder_num_hidden_layers=3)
    assert find_stack(model(config=config, layers=blocks(3), others=blocks(2))).path == "layers"


def test_the_number_of_a_multi_modal_model_is_that_of_its_text_stack():
    text = SimpleNamespace(num_hidden_layers=2)
    config = SimpleNamespace(model_type="new", get_text_config=lambda: text)
    found = find_stack(model(config=config, vision=Part(layers=blocks(6, 64)), text=Part(layers=blocks(2))))
    assert found.path == "text.layers"


def test_without_any_number_the_largest_list_is_taken():
    config = SimpleNamespace(model_type="new")
    assert find_stack(model(config=config, small=blocks(2), layers=blocks(4, 8))).path == "layers"


def test_two_equal_stacks_are_refused_with_both_names():
    with pytest.raises(
        ModelError, match=r"Part has several stacks of blocks: text\.layers, vision\.layers; one was expected. Choose with"
    ):
        find_stack(model(3, text=Part(layers=blocks(3)), vision=Part(layers=blocks(3))))


@pytest.mark.parametrize(
    ("children", "text"),
    [
        ({"dense": Linear(4, 4)}, r"name it with --blocks PATH, if it has one \(dimscope list models\)"),
        ({"layers": blocks(2)}, r"name it with --blocks PATH \(its lists are layers\)"),
    ],
    ids=["no list", "another number"],
)
def test_no_stack_is_refused(children, text):
    with pytest.raises(ModelError, match=rf"no list of 3 blocks was found in Part; {text}\.$"):
        find_stack(model(3, **children))


class Declares(Part):
    """A model that says, as those of transformers do, which modules give out its hidden states."""

    _can_record_outputs: ClassVar = {"hidden_states": SimpleNamespace(target_class=RMSNorm)}


def declaring(**children):
    made = Declares(**children)
    made.config = SimpleNamespace(model_type="new", num_hidden_layers=3)
    return made


def test_the_declared_class_goes_before_the_size_of_a_list():
    """Experts may be larger than the blocks; only the declaration can tell."""
    found = find_stack(declaring(large=blocks(3, 64), layers=ModuleList(RMSNorm(2) for _ in range(3))))
    assert (found.path, found.found_by) == ("layers", "declared")


@pytest.mark.parametrize("declared", [None, {}, {"hidden_states": "a text"}, {"hidden_states": [object()]}])
def test_a_declaration_of_another_form_is_none(declared, monkeypatch):
    monkeypatch.setattr(Declares, "_can_record_outputs", declared)
    found = find_stack(declaring(large=blocks(3, 64), layers=ModuleList(RMSNorm(2) for _ in range(3))))
    assert (found.path, found.found_by) == ("large", "list")


@pytest.mark.parametrize("config", [BertConfig, LlamaConfig, GPTNeoXConfig, ViTConfig, T5Config])
def test_transformers_still_declares_its_blocks(config):
    """The declaration is no public interface; this fails when it moves, and the general rule is left alone."""
    whole = AutoModel.from_config(config(num_hidden_layers=2, hidden_size=16, num_attention_heads=2, intermediate_size=16))
    found = find_stack(part_of(whole, "auto"))
    assert (found.found_by, found.n_layers) == ("declared", 2)


def test_named_places_go_before_everything():
    made = model(3, layers=blocks(3), odd=blocks(5), norm=LayerNorm(4))
    found = find_stack(made, Family("odd"))
    assert (found.path, found.n_layers, found.final_norm_path, found.found_by) == ("odd", 5, "norm", "named")
    assert find_stack(made, Family("odd", "none")).final_norm is None
    assert find_stack(made, Family("layers", "odd.0.norm")).final_norm is made.odd[0].norm


def test_named_places_that_are_not_there():
    made = model(3, layers=blocks(3), dense=Linear(2, 2))
    for path in ("absent", "dense"):
        with pytest.raises(ModelError, match=rf"^--blocks {path} is no list of modules in Part; its lists are layers\.$"):
            find_stack(made, Family(path))
    with pytest.raises(ModelError, match=r"^--final-norm absent is no module of Part; write none for none\.$"):
        find_stack(made, Family("layers", "absent"))


def test_the_last_norm_is_declared_behind_the_blocks():
    found = find_stack(model(3, norm_before=LayerNorm(4), layers=blocks(3), drop=Identity(), norm=RMSNorm(4), late=RMSNorm(4)))
    assert found.final_norm_path == "norm"
    assert isinstance(found.final_norm, RMSNorm)


def test_the_last_norm_may_stand_beside_what_holds_the_blocks():
    found = find_stack(model(3, encoder=Part(layers=blocks(3)), pool=Linear(4, 4), final=LayerNorm(4)))
    assert found.final_norm_path == "final"


def test_the_nearest_norm_wins():
    found = find_stack(model(3, encoder=Part(layers=blocks(3), norm=LayerNorm(4)), final=LayerNorm(4)))
    assert found.final_norm_path == "encoder.norm"


def test_a_norm_of_the_embeddings_is_not_the_last_norm():
    """BART declares `layernorm_embedding` behind its layers, mBART has `layer_norm` behind that."""
    bart = find_stack(model(3, layers=blocks(3), layernorm_embedding=LayerNorm(4)))
    assert (bart.final_norm, bart.final_norm_path) == (None, "")
    mbart = find_stack(model(3, layers=blocks(3), layernorm_embedding=LayerNorm(4), layer_norm=LayerNorm(4)))
    assert mbart.final_norm_path == "layer_norm"


def test_norms_inside_the_blocks_are_not_the_last_norm():
    assert find_stack(model(3, layers=blocks(3), head=Part(norm=LayerNorm(4)))).final_norm is None


def test_a_recorded_family_goes_before_the_rule():
    config = SimpleNamespace(model_type="albert", num_hidden_layers=12)
    found = find_stack(model(config=config, encoder=Part(albert_layer_groups=blocks(1)), layers=blocks(12)))
    assert (found.path, found.n_layers, len(found.blocks)) == ("encoder.albert_layer_groups", 12, 1)
    assert {found.module_path(layer) for layer in range(1, 13)} == {"encoder.albert_layer_groups.0"}


def test_repeated_groups_are_counted_in_order():
    config = SimpleNamespace(model_type="albert", num_hidden_layers=6)
    found = find_stack(model(config=config, encoder=Part(albert_layer_groups=blocks(2))))
    assert [found.module_path(layer)[-1] for layer in range(1, 7)] == ["0", "0", "0", "1", "1", "1"]


def test_a_recorded_norm_that_a_variant_leaves_out_is_none():
    """OPT-350m has no final norm although its family has one."""
    config = SimpleNamespace(model_type="opt", num_hidden_layers=2)
    assert find_stack(model(config=config, decoder=Part(layers=blocks(2), final_layer_norm=None))).final_norm is None


def test_module_paths_name_the_block_of_each_layer():
    found = find_stack(model(3, encoder=Part(layer=blocks(3))))
    assert [found.module_path(layer) for layer in (1, 2, 3)] == ["encoder.layer.0", "encoder.layer.1", "encoder.layer.2"]


@pytest.mark.parametrize(("module", "expected"), [(LayerNorm(2), True), (RMSNorm(2), True), (Linear(2, 2), False)])
def test_norms_are_recognised_by_the_name_of_their_class(module, expected):
    assert is_norm(module) is expected


def test_norms_of_a_block_in_the_order_of_their_declaration():
    block = Part(attention=Part(q_norm=RMSNorm(2), dense=Linear(2, 2)), input_norm=LayerNorm(2))
    assert norm_paths(block) == ["attention.q_norm", "input_norm"]
    assert norm_paths(Linear(2, 2)) == []


@pytest.mark.parametrize("path", ["", None, "absent", "dense.weight", "dense.absent"])
def test_what_is_no_module_is_none(path):
    assert optional_module(Part(dense=Linear(2, 2)), path) is None


def test_a_module_is_found():
    made = Part(dense=Linear(2, 2))
    assert optional_module(made, "dense") is made.dense
    assert isinstance(optional_module(made, "dense"), torch.nn.Linear)
