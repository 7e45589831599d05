"""Architectures whose block list or last norm the general rule does not find, by `config.model_type`.

Everything else is found by rule (see `dimscope.models.blocks`): the list of blocks is the largest module list of
`num_hidden_layers` entries, the last norm is the norm that is declared after it, beside it or beside what holds it. DeBERTa
declares a norm there that is for its relative positions, LFM and BigBird-Pegasus name their last norm as if it were one of the
embeddings, that of image towers like CLIP's reads the class token alone. XLNet and FSMT keep the tokens on the first axis.
"""

from collections.abc import Mapping

from dimscope.models.base import Family

CLIP_LIKE = ("altclip", "chinese_clip", "clip", "clipseg", "metaclip_2", "mlcd", "owlv2", "owlvit")
"""Image towers whose norm after the blocks is for the pooled vector."""
FAMILIES: Mapping[str, Family] = {
    "albert": Family("encoder.albert_layer_groups", None, repeats_blocks=True),
    "bigbird_pegasus": Family("layers", "layernorm_embedding"),
    **{f"{name}_vision_model": Family("encoder.layers", None) for name in CLIP_LIKE},
    "deberta-v2": Family("encoder.layer", None),
    "distilbert": Family("transformer.layer", None),
    "esm": Family("encoder.layer", "encoder.emb_layer_norm_after"),
    "fsmt": Family("layers", None, tokens_first=True),
    "gpt2": Family("h", "ln_f"),
    "imagegpt": Family("h", "ln_f"),
    "lfm2": Family("layers", "embedding_norm"),
    "lfm3": Family("layers", "embedding_norm"),
    "opt": Family("decoder.layers", "decoder.final_layer_norm"),
    "xlnet": Family("layer", None, tokens_first=True),
}
