"""Prompt caches as mlx-lm saves them.

usage: promptcache.py                writes mlxlm.safetensors and empty.safetensors
       promptcache.py FROM TO        loads a prompt cache and saves it again

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The numbers are those of file_test.go: value(t, d) = (7 t + 3 d) mod 11 / 8, of which values are one more than keys.
"""
import pathlib
import sys

import mlx.core as mx
from mlx_lm.models.cache import ArraysCache, KVCache, QuantizedKVCache, RotatingKVCache, load_prompt_cache, save_prompt_cache

HERE = pathlib.Path(__file__).parent


def numbers(begin, end, dim):
    t, d = mx.arange(begin, end)[:, None], mx.arange(dim)[None]
    return ((((7 * t + 3 * d) % 11) / 8).astype(mx.float32))[None, None]


def run(cache, dim, *chunks):
    at = 0
    for n in chunks:
        keys = numbers(at, at + n, dim)
        cache.update_and_fetch(keys, keys + 1)
        at += n
    return cache


def caches():
    recurrent = ArraysCache(3)
    recurrent[0], recurrent[2] = numbers(0, 3, 4)[0], numbers(3, 5, 2)
    return [
        run(KVCache(), 4, 5, 1, 1),
        run(RotatingKVCache(max_size=8, keep=4), 4, 5, *[1] * 6),
        run(RotatingKVCache(max_size=6), 4, 4, 5),
        run(RotatingKVCache(max_size=300), 4, 1, 1),
        run(QuantizedKVCache(group_size=32, bits=4), 32, 3, 1),
        recurrent,
    ]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        cache, metadata = load_prompt_cache(sys.argv[1], return_metadata=True)
        save_prompt_cache(sys.argv[2], cache, metadata)
    else:
        save_prompt_cache(str(HERE / "mlxlm.safetensors"), caches(), {"model": "tiny", "note.of": "five layers"})
        save_prompt_cache(str(HERE / "empty.safetensors"), [KVCache(), RotatingKVCache(max_size=7, keep=2), QuantizedKVCache(), ArraysCache(2)])
