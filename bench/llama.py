"""Measures llama.cpp for the program beside it, by peer.py's protocol but for the building of graphs, which llama.cpp does inside of a step.

usage: llama.py FILE.gguf THREADS    the context is that of the longest request so far
"""
import ctypes
import importlib.metadata
import json
import os
import platform
import sys
import time

import llama_cpp
import numpy as np


class Runner:
    def __init__(self, path, threads):
        self.path, self.threads, self.llm, self.size = path, threads, None, 0
        self.load(1024)

    def load(self, size):
        if size <= self.size:
            return
        self.size = size
        self.llm = llama_cpp.Llama(self.path, n_ctx=size, n_threads=self.threads, n_threads_batch=self.threads, verbose=False)

    def next(self):
        """The token of the greatest logit."""
        logits = llama_cpp.llama_get_logits_ith(self.llm.ctx, -1)
        return int(np.ctypeslib.as_array(ctypes.cast(logits, ctypes.POINTER(ctypes.c_float)), shape=(self.llm.n_vocab(),)).argmax())

    def run(self, prompt, count):
        self.load(len(prompt) + count)
        self.llm.reset()
        began = time.perf_counter()
        self.llm.eval(prompt)
        tokens = [self.next()]
        first = time.perf_counter()
        while len(tokens) < count:
            self.llm.eval(tokens[-1:])
            tokens.append(self.next())
        return dict(tokens=tokens, prompt_s=first - began, decode_s=time.perf_counter() - first, build_s=[])


def main(path, threads):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    runner = Runner(path, int(threads))
    version = importlib.metadata.version("llama-cpp-python")
    print(json.dumps({"python": platform.python_version(), "llama-cpp-python": version}), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(runner.run(request["prompt"], request["tokens"])), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
