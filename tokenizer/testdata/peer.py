"""Encodes and decodes texts with Hugging Face's tokenizers, for tests and benchmarks: pairs of pipes carry frames.

usage: peer.py TOKENIZER.json

Reads commands from standard input, one byte and a 32-bit count, little-endian, then that many texts (32-bit length, UTF-8):
  E  answers, for every text: number of ids, ids, starts and ends of offsets in characters, and with its special tokens
     and without them the decoded texts
  T  answers the nanoseconds that encoding the texts one by one took
"""
import array
import itertools
import os
import struct
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = os.environ.get("TOKENIZERS_PARALLELISM", "false")
from tokenizers import Tokenizer

began = time.perf_counter_ns()
tok = Tokenizer.from_file(sys.argv[1])
loaded = time.perf_counter_ns() - began
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
stdout.write(struct.pack("<q", loaded))
stdout.flush()


def numbers(values):
    return array.array("i", values).tobytes()


def encoded(texts):
    out = []
    for e in tok.encode_batch(texts):
        ids = e.ids
        flat = list(itertools.chain.from_iterable(e.offsets))
        out += [struct.pack("<i", len(ids)), numbers(ids), numbers(flat[0::2]), numbers(flat[1::2])]
        for skip in (False, True):
            text = tok.decode(ids, skip_special_tokens=skip).encode()
            out += [struct.pack("<i", len(text)), text]
    return b"".join(out)


def timed(texts):
    began = time.perf_counter_ns()
    for t in texts:
        tok.encode(t)
    return struct.pack("<q", time.perf_counter_ns() - began)


while head := stdin.read(5):
    command, count = struct.unpack("<ci", head)
    texts = [stdin.read(struct.unpack("<i", stdin.read(4))[0]).decode() for _ in range(count)]
    stdout.write(encoded(texts) if command == b"E" else timed(texts))
    stdout.flush()
