#!/usr/bin/env python3
"""Times transformers' rendering of one template: python bench.py FILE < chat.json prints nanoseconds per rendering."""

import json
import pathlib
import sys
import time

from transformers.utils.chat_template_utils import _cached_compile_jinja_template

template = _cached_compile_jinja_template(pathlib.Path(sys.argv[1]).read_text())
chat = json.load(sys.stdin)
best = float("inf")
for _ in range(30):
    began = time.perf_counter_ns()
    template.render(**chat)
    best = min(best, time.perf_counter_ns() - began)
print(best)
