"""What the cases of mixtures share."""
from mlx.utils import tree_flatten


def separate(model, names={}):
    """The tensors of Hugging Face, whose experts stand each by itself: {name: shape}. names are those of its projections."""
    out = {}
    for k, v in tree_flatten(model.parameters()):
        before, stacked, after = k.partition("switch_mlp.")
        layer, _, part = after.partition(".")
        out.update({f"{before}experts.{e}.{names.get(layer, layer)}.{part}": v.shape[1:] for e in range(v.shape[0])} if stacked else {k: v.shape})
    return out
