"""Measures llama.cpp for the program beside it, by peer.py's protocol but for the building of graphs, which llama.cpp does inside of a step.

usage: llama.py FILE.gguf THREADS    a request's prompts run at once; the context is that of the longest request so far
"""
import ctypes
import importlib.metadata
import json
import logging
import os
import platform
import sys
import time

import llama_cpp
import numpy as np

# Tokens to hand over at once. The settings are those that did best with eight prompts of 512 tokens on two cores: four prompts
# in a batch were read as fast as one after the other or faster, of which llama.cpp takes 512 tokens at a time (2048 were no
# faster); a cache for each prompt (with kv_unified, one for all, a quarter of prefill and a third of decode were lost); no flash
# attention, as llama-cpp-python has it (a tenth faster in decode, also of one prompt; a twentieth slower in prefill).
BATCH = 2048


class Runner:
    def __init__(self, path, threads):
        logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise ValueError(f"llama.cpp cannot load {path}")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.batch = llama_cpp.llama_batch_init(BATCH, 0, 1)
        self.threads, self.context, self.rows, self.size = threads, None, 0, 0

    def room(self, rows, size):
        """An empty context for so many rows of so many tokens."""
        if rows == self.rows and size <= self.size:
            llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), False)
            return
        if self.context:
            llama_cpp.llama_free(self.context)
        self.rows, self.size = rows, -(-size // 256) * 256  # as llama.cpp rounds it
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max, params.n_batch = self.rows * self.size, self.rows, BATCH
        params.n_ubatch, params.kv_unified, params.flash_attn_type = 512, False, llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.n_threads = params.n_threads_batch = self.threads
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            raise ValueError(f"llama.cpp has no context for {rows} x {size} tokens")

    def best(self, at):
        """The token of the greatest logit after the one at that place of the batch."""
        logits = llama_cpp.llama_get_logits_ith(self.context, at)
        return int(np.ctypeslib.as_array(ctypes.cast(logits, ctypes.POINTER(ctypes.c_float)), shape=(self.vocabulary,)).argmax())

    def decode(self, tokens):
        """Runs each (token, position, row, asked) and returns what follows those that are asked."""
        b = self.batch
        b.n_tokens = len(tokens)
        for i, (token, position, row, asked) in enumerate(tokens):
            b.token[i], b.pos[i], b.n_seq_id[i], b.seq_id[i][0], b.logits[i] = token, position, 1, row, asked
        if status := llama_cpp.llama_decode(self.context, b):
            raise RuntimeError(f"llama_decode of {len(tokens)} tokens: {status}")
        return [self.best(i) for i, t in enumerate(tokens) if t[3]]

    def read(self, prompts):
        """The token that follows each prompt."""
        tokens = [(t, at, row, at == len(p) - 1) for row, p in enumerate(prompts) for at, t in enumerate(p)]
        return [n for lo in range(0, len(tokens), BATCH) for n in self.decode(tokens[lo : lo + BATCH])]

    def run(self, prompts, count):
        length = len(prompts[0])
        self.room(len(prompts), length + count)
        began = time.perf_counter()
        steps = [self.read(prompts)]
        first = time.perf_counter()
        for at in range(length, length + count - 1):
            steps.append(self.decode([(t, at, row, True) for row, t in enumerate(steps[-1])]))
        decode = time.perf_counter() - first
        tokens, *beside = zip(*steps)
        return dict(tokens=tokens, beside=beside, prompt_s=first - began, decode_s=decode, build_s=[])


def main(path, threads):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    runner = Runner(path, int(threads))
    version = importlib.metadata.version("llama-cpp-python")
    print(json.dumps({"python": platform.python_version(), "llama-cpp-python": version}), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        prompts = [request["prompt"], *request.get("beside", [])]
        print(json.dumps(runner.run(prompts, request["tokens"])), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
