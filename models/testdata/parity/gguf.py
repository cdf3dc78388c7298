"""Models that GGUF can say: models/gguf_arch_test.go writes each as a file of llama.cpp's architecture and loads that.

Gemma's attention scales by the size of a head, as files do not say another number; its windows are on five layers of six. For
gpt-oss YaRN's range covers every pair: mlx-lm rounds it, which the configuration of gpt-oss forbids, and here that makes no
difference. Gemma 2's windows, which mlx-lm does not have, are those of gemma2.py.
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent))
from gemma2 import windows

SMALL = dict(hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, vocab_size=32,
             rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512)
GEMMA = dict(SMALL, head_dim=16, rms_norm_eps=1e-6, query_pre_attn_scalar=16, sliding_window=6, hidden_activation="gelu_pytorch_tanh")
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
FACTORS = [1.0 + i / 4 for i in range(8)]


def case(model_type, config=SMALL, **fields):
    return {"config": dict(model_type=model_type, **config) | fields}


CASES = {
    "llama": case("llama", tie_word_embeddings=False),
    "llama tied": case("llama", tie_word_embeddings=True),
    "llama head_dim and biases": case("llama", head_dim=32, attention_bias=True, tie_word_embeddings=False),
    "llama 3": case("llama", rope_scaling=LLAMA3, tie_word_embeddings=True),
    "llama linear": case("llama", rope_scaling={"rope_type": "linear", "factor": 4.0}, tie_word_embeddings=True),
    "qwen2": case("qwen2", tie_word_embeddings=False),
    "qwen2 yarn": case("qwen2", rope_scaling=YARN, tie_word_embeddings=True),
    "qwen3": case("qwen3", head_dim=32, tie_word_embeddings=True),
    "qwen3 moe": case("qwen3_moe", head_dim=32, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, norm_topk_prob=True,
                      decoder_sparse_step=1, mlp_only_layers=[], tie_word_embeddings=False),
    "gemma2": case("gemma2", GEMMA, attn_logit_softcapping=0.5, final_logit_softcapping=2.0) | {"tweak": windows},
    "gemma3": case("gemma3_text", GEMMA, num_hidden_layers=7, rope_theta=1e6, rope_local_base_freq=10000.0, sliding_window_pattern=6),
    "gemma3 linear": case("gemma3_text", GEMMA, num_hidden_layers=7, rope_theta=1e6, rope_local_base_freq=500.0, sliding_window_pattern=6,
                          rope_scaling={"rope_type": "linear", "factor": 8.0}),
    "phi3": case("phi3", tie_word_embeddings=False),
    "phi3 partial": case("phi3", partial_rotary_factor=0.5, tie_word_embeddings=True),
    "phi3 long": case("phi3", original_max_position_embeddings=128, tie_word_embeddings=False,
                      rope_scaling={"type": "longrope", "long_factor": FACTORS, "short_factor": [1.0] * 8, "original_max_position_embeddings": 128}),
    "gpt-oss": case("gpt_oss", head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=6, rope_theta=5.0,
                    layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=False,
                    rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 200, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False}),
}
