"""Architectures whose block list or last norm the general rule does not find, by `config.model_type`.

Everything else is found by rule (see `dimscope.models.blocks`): the list of blocks is the largest module list of
`num_hidden_layers` entries, the last norm is the norm that is declared after it, beside it or beside what holds it. DeBERTa
declares a norm there that is for its relative positions, LFM2 names its last norm as if it were one of the embeddings,
the last norm of CLIP's image tower reads the class token alone.
"""

from collections.abc import Mapping

from dimscope.models.base import Family

FAMILIES: Mapping[str, Family] = {
    "albert": Family("encoder.albert_layer_groups", None, repeats_blocks=True),
    "clip_vision_model": Family("encoder.layers", None),
    "deberta-v2": Family("encoder.layer", None),
    "distilbert": Family("transformer.layer", None),
    "esm": Family("encoder.layer", "encoder.emb_layer_norm_after"),
    "gpt2": Family("h", "ln_f"),
    "imagegpt": Family("h", "ln_f"),
    "lfm2": Family("layers", "embedding_norm"),
    "opt": Family("decoder.layers", "decoder.final_layer_norm"),
}
