"""Gemma 4: what each of its sizes has of its own. E2B and E4B: embeddings of each layer, layers that share keys and values. 31B:
keys that are values, more heads of them in full layers. 26B-A4B: experts as well. A prompt of 80 tokens has more choices of
experts than are worth sorting (mlx_lm/models/switch_layers.py)."""
from mlx.utils import tree_flatten
from mlx_lm.models import gemma4_text

TYPES = ["sliding_attention", "sliding_attention", "full_attention"]
ROPES = dict(full_attention=dict(rope_type="proportional", partial_rotary_factor=0.25, rope_theta=1000000.0),
             sliding_attention=dict(rope_type="default", rope_theta=10000.0))
BASE = dict(model_type="gemma4_text", hidden_size=64, num_hidden_layers=3, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, global_head_dim=32, vocab_size=32, vocab_size_per_layer_input=32, rms_norm_eps=1e-6, sliding_window=6, layer_types=TYPES,
            rope_parameters=ROPES, max_position_embeddings=512, num_kv_shared_layers=0, use_double_wide_mlp=False,
            hidden_size_per_layer_input=0, attention_k_eq_v=False, enable_moe_block=False, final_logit_softcapping=30.0, tie_word_embeddings=True)
SMALL = dict(BASE, hidden_size_per_layer_input=32, num_hidden_layers=6, layer_types=TYPES * 2, num_kv_shared_layers=3, use_double_wide_mlp=True,
             num_key_value_heads=1)
LARGE = dict(BASE, attention_k_eq_v=True, num_key_value_heads=4, num_global_key_value_heads=2)
EXPERTS = dict(LARGE, enable_moe_block=True, num_experts=4, top_k_experts=2, moe_intermediate_size=32)
FACTOR = dict(ROPES, full_attention=dict(ROPES["full_attention"], factor=4.0))
LINEAR = dict(ROPES, full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0))
# Scores are not scaled, so that softmax is sharp and bfloat16 coarse: in 6 layers of random weights mlx-lm is 6 to 12 % off its own float32.
FEW = dict(SMALL, num_hidden_layers=3, layer_types=["full_attention", "sliding_attention", "sliding_attention"], num_kv_shared_layers=1)
LARGE_FEW = dict(LARGE, num_hidden_layers=2, layer_types=["full_attention", "sliding_attention"])
NO_ROPES = {k: v for k, v in SMALL.items() if k != "rope_parameters"}


def stored(config):
    """The tensors of Hugging Face, which has keys and values in layers that share others', too."""
    model = gemma4_text.Model(gemma4_text.ModelArgs.from_dict(config))
    own = {k: v.shape for k, v in tree_flatten(model.parameters())}
    first = config["num_hidden_layers"] - config["num_kv_shared_layers"]
    for i in range(first, config["num_hidden_layers"]):
        for name in ("k_proj.weight", "v_proj.weight", "k_norm.weight"):
            own[f"model.layers.{i}.self_attn.{name}"] = own[f"model.layers.{i - first}.self_attn.{name}"]
    return own


def stored_experts(config):
    """Hugging Face has gate and up in one, with no .weight."""
    own = stored(config)
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}.experts."
        gate, _, down = (own.pop(f"{at}switch_glu.{name}_proj.weight") for name in ("gate", "up", "down"))
        own[at + "gate_up_proj"], own[at + "down_proj"] = (gate[0], 2 * gate[1], gate[2]), down
    return own


ROUTER = {f"model.layers.{i}.router.proj": dict(group_size=32, bits=8) for i in range(3)}
CASES = {
    "small": dict(config=SMALL),
    "small as stored": dict(config=SMALL, hf=stored(SMALL)),
    "large": dict(config=LARGE),
    "a mixture of experts": dict(config=EXPERTS),
    "experts as stored": dict(config=EXPERTS, hf=stored_experts(EXPERTS)),
    "experts of a long prompt": dict(config=EXPERTS, length=80),
    "dense": dict(config=dict(BASE, tie_word_embeddings=False, final_logit_softcapping=None)),
    "default positions": dict(config=NO_ROPES),
    "proportional by a factor": dict(config=dict(BASE, rope_parameters=FACTOR)),
    "linear": dict(config=dict(BASE, rope_parameters=LINEAR)),
    "small bf16": dict(config=FEW, dtype="bfloat16"),
    "large bf16": dict(config=LARGE_FEW, dtype="bfloat16"),
    "small 4-bit": dict(config=SMALL, quantization=dict(group_size=32, bits=4)),
    "large 4-bit": dict(config=LARGE, quantization=dict(group_size=32, bits=4)),
    "experts 4-bit": dict(config=EXPERTS, quantization=dict(ROUTER, group_size=32, bits=4)),
}
