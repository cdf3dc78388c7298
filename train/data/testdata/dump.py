#!/usr/bin/env python3
"""What mlx-lm makes of the rows beside this file, and how it makes batches of them.

usage: dump.py SMOLLM2.gguf      writes datasets.json and batches.json beside this file

Needs mlx-cpu and mlx-lm 0.32.2 with transformers 5.24.
"""
import itertools
import json
import pathlib
import sys
import tempfile

import mlx.core as mx
import numpy as np
from mlx_lm import tokenizer_utils
from mlx_lm.tuner import datasets, trainer
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "models/testdata"))
import smollm2  # noqa: E402

SIMPLE = ("{% for m in messages %}{{ '<|start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
          "{% generation %}{{ m.content }}<|end|>{% endgeneration %}{% else %}{{ m.content }}<|end|>{% endif %}\n{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|start|>assistant\n' }}{% endif %}")
REAL = ("qwen2.5-training", "phi-4-reasoning", "qwen3", "deepseek-r1-distill")


def smollm(gguf):
    """The tokenizer of SmolLM2 as a folder has it."""
    _, meta = mx.load(gguf, return_metadata=True)
    with tempfile.TemporaryDirectory() as dir:
        smollm2.mx.save_safetensors = lambda *_: None
        smollm2.save(dir, {}, smollm2.CONFIG, meta)
        return tokenizer_utils.load(pathlib.Path(dir))


def tiny(name, template):
    core = PreTrainedTokenizerFast(tokenizer_file=str(ROOT / f"tokenizer/testdata/{name}.json"), eos_token="<|end|>",
                                   chat_template=template)
    return tokenizer_utils.TokenizerWrapper(core)


class Config:
    prompt_feature, completion_feature, chat_feature, text_feature = "prompt", "completion", "messages", "text"

    def __init__(self, mask_prompt=False, **features):
        self.mask_prompt = mask_prompt
        self.__dict__.update(features)


def attempt(f):
    try:
        return f()
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"[:200]}


def processed(tok, rows, **config):
    set = datasets.create_dataset(rows, tok, Config(**config))

    def one(row):
        tokens, offset = set.process(row)
        return {"tokens": tokens, "offset": offset}
    return [attempt(lambda: one(row)) for row in rows]


def assistant_masks(tok, rows):
    def one(row):
        messages = row.get("messages") or [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
        out = tok._tokenizer.apply_chat_template(messages, tools=row.get("tools"), return_dict=True, return_assistant_tokens_mask=True,
                                                 enable_thinking=tok.has_thinking)
        return {"tokens": out["input_ids"], "mask": runs(out["assistant_masks"])}
    return [attempt(lambda: one(row)) for row in rows]


def dump_datasets(gguf):
    templates = {"simple": SIMPLE} | {n: (ROOT / f"templates/testdata/real/{n}.jinja").read_text() for n in REAL}
    toks = {"smollm2": {"own": smollm(gguf)}, "qwen2": {n: tiny("qwen2", t) for n, t in templates.items()},
            "llama3": {"simple": tiny("llama3", SIMPLE)}}
    read = lambda n: [json.loads(l) for l in (HERE / f"{n}.jsonl").read_text().splitlines()]
    cases = []
    for tokenizer, by_template in toks.items():
        for template, tok in by_template.items():
            for name in ("chat", "tools", "completions", "text", "features"):
                rows, features = read(name), {}
                if name == "features":
                    features = dict(prompt_feature="question", completion_feature="answer")
                elif name == "text" and template not in ("own", "simple"):
                    continue
                case = dict(tokenizer=tokenizer, template=template, file=name, plain=processed(tok, rows, **features))
                if name != "text":
                    case["masked"] = [r.get("offset") for r in processed(tok, rows, mask_prompt=True, **features)]
                if "{%- generation" in templates.get(template, "") or "{% generation" in templates.get(template, ""):
                    if name in ("chat", "tools", "completions"):
                        case["assistant"] = [r.get("mask") for r in assistant_masks(tok, rows)]
                cases.append(case)
    return {"simple": SIMPLE, "cases": cases}


class Rows:
    """A set as mlx_lm.lora has them: rows of JSON, of which process makes tokens. Row i has lengths[i] tokens i + 1."""

    def __init__(self, rows):
        self.rows = rows

    def __getitem__(self, i):
        return {str(k): i for k in range(self.rows[i]["keys"])}

    def __len__(self):
        return len(self.rows)

    def process(self, row):
        i = row["0"]
        return [i + 1] * self.rows[i]["tokens"], self.rows[i]["offset"]


class Group:
    def __init__(self, rank, size):
        self.rank, self.size = lambda: rank, lambda: size


def runs(values):
    """[value, how often] for each run of equal values."""
    return [[int(v), len(list(g))] for v, g in itertools.groupby(values)]


def dump_batches():
    rng = np.random.RandomState(3)
    rows = [dict(tokens=int(n), offset=int(min(o, n)), keys=int(k)) for n, o, k in
            zip(rng.randint(2, 90, 23), rng.randint(0, 12, 23), rng.randint(1, 4, 23))]
    rows[5]["tokens"], rows[5]["offset"] = 20, 20
    rows[6]["tokens"], rows[7]["tokens"], rows[8]["tokens"] = 32, 33, 64
    cases = []
    for batch, length, seed, rank, size in (4, 128, 0, 0, 1), (3, 48, 7, 0, 1), (1, 65, 1, 0, 1), (4, 64, 5, 1, 2):
        out = []
        it = trainer.iterate_batches(datasets.CacheDataset(Rows(rows)), batch, length, loop=True, seed=seed,
                                     comm_group=Group(rank, size))
        for tokens, lengths in itertools.islice(it, 2 * (23 // batch) + 3):
            steps = mx.arange(1, tokens.shape[1])
            mask = mx.logical_and(steps >= lengths[:, 0:1], steps <= lengths[:, 1:])  # as default_loss has it
            out.append(dict(width=tokens.shape[1], tokens=[runs(r) for r in tokens.tolist()], mask=[runs(r) for r in mask.tolist()]))
        cases.append(dict(batch=batch, length=length, seed=seed, rank=rank, size=size, batches=out))
    return {"rows": rows, "cases": cases}


def write(name, data):
    (HERE / name).write_text(json.dumps(data, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    trainer.rprint = lambda *_: None
    write("datasets.json", dump_datasets(sys.argv[1]))
    write("batches.json", dump_batches())
