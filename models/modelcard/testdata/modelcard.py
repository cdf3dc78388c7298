"""What the Python package gguf makes of names, sizes and cards of models.

usage: modelcard.py        writes modelcard.json beside it

Needs gguf and PyYAML.
"""
import json
import pathlib
import tempfile

import gguf
from gguf.metadata import Metadata
from gguf.utility import size_label

NAMES = [
    "HuggingFaceTB/SmolLM2-135M-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "mistralai/Mixtral-8x7B-Instruct-v0.1", "Qwen/Qwen3-0.6B",
    "Qwen/Qwen3-30B-A3B-Instruct-2507", "google/gemma-3-270m-it", "google/gemma-2-9b", "microsoft/Phi-3-mini-4k-instruct",
    "microsoft/Phi-3-medium-128k-instruct", "bigscience/bloom-7b1-petals", "openai/gpt-oss-20b", "./models/foo", "../foo", "My Model 7B",
    "model", "v1.5", "Yi-34B-200K", "deepseek-ai/DeepSeek-V3", "stabilityai/stable-diffusion-xl-base-1.0", "org/a--b-", "", "12-a", "x-small",
    "nemotron-4-340b-chat", "tiny-llama-lora-q4_k_m", "model-fp16", "a-1.5B-1.5B-iter3-v2", "EXAONE-3.5-2_4b", "m-8x22b-v0.1-4bit",
    "allenai/OLMo-2-1124-7B", "granite-3.0-1b-a400m-base", "b2/x-é-7t", "smollm2", "gpt-x2l-xxl-large-3B",
]
PARAMETERS = [0, 134_515_008, 3_000_000_000, 7_600_000_000, 47_000_000_000]
TITLES = ["smollm2-135M-instruct", "gpt_oss-20b v1.5 v1.x 3d abc1def", "É-ü", "A-b--c", " x ", "2b-3"]
SIZES = [(0, 0, 0, 0), (999, 999, 0, 0), (1000, 1000, 0, 0), (9_949, 9_949, 0, 0), (1_000_000, 1_000_000, 0, 0), (1_500_000, 0, 0, 0), (134_515_008, 134_515_008, 0, 0),
         (9_960_000_000, 0, 0, 0), (8_030_261_248, 0, 0, 0), (46_700_000_000, 1_600_000_000, 5_637_144_576, 8), (1_030_000_000_000, 0, 0, 0), (2_500, 0, 0, 0), (3_500_000_000_000, 0, 0, 0)]
CARDS = [
    {"card": "---\nlicense: apache-2.0\nlanguage:\n- en\n- no\ntags: chat\npipeline_tag: text-generation\nbase_model: HuggingFaceTB/SmolLM2-135M\n"
             "datasets:\n- HuggingFaceTB/smoltalk\n- https://huggingface.co/datasets/a/b\n- https://huggingface.co/org/set-v2\n---\n# Words\n",
     "config": {"_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct"}, "folder": "any", "parameters": [134_515_008, 134_515_008, 0, 0],
     "generation": {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "do_sample": True, "min_p": None}},
    {"card": "---\nlicense:\n- mit\n- other\nlicense_name: own\nlicense_link: https://example.org/licence\nmodel_name: Some model\nmodel_creator: Somebody\n"
             "tags:\n- a\n- b\nlanguages: [de, fr]\nlanguage: en\nbase_model:\n- name: one\n  author: me\n  url: https://example.org\n- https://huggingface.co/x/y-v1.2\n"
             "- ssh://git.example.org/z\n---\n", "folder": "tiny-mixtral", "parameters": [5_000_000, 1_000_000, 500_000, 8]},
    {"card": "No front matter.\n", "config": {"_name_or_path": "/home/somebody/models/x"}, "folder": "Qwen3-0.6B", "parameters": [596_049_920, 596_049_920, 0, 0]},
    {"folder": "gemma-3-270m-it", "config": {}, "parameters": [268_098_176, 268_098_176, 0, 0], "generation": {"top_k": 64, "top_p": 0.95}},
    {"card": "---\nname: Given\nversion: v3\norganization: Org\ndescription: Says a thing.\nfinetune: chat\nbasename: base\nsize_label: 1B\nurl: https://a\ndoi: 10.1/2\n"
             "uuid: u\nrepo_url: https://r\nmodel_author: A\nmodel_type: llama\nlicense: null\n---\n", "folder": "f", "parameters": [1_000, 1_000, 0, 0]},
    {"card": "---\n- a list\n---\n", "folder": "plain", "parameters": [0, 0, 0, 0]},
    {"card": "---\nlanguage:\n\t- en\ntags: []\n---\n", "folder": "tab-7B", "parameters": [7_000_000_000, 7_000_000_000, 0, 0]},
]


def pairs(case):
    """The metadata that llama.cpp's converter writes of a folder."""
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp, case["folder"])
        folder.mkdir()
        for key, name in (("card", "README.md"), ("config", "config.json"), ("generation", "generation_config.json")):
            if key in case:
                content = case[key]
                (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
        total, shared, expert, experts = case["parameters"]
        metadata = Metadata.load(None, folder, None, total)
        if metadata.size_label is None and total > 0:
            metadata.size_label = size_label(total, shared, expert, experts)
        writer = gguf.GGUFWriter(None, "llama")
        metadata.set_gguf_meta_model(writer)
    return [[key, v.value] for key, v in writer.kv_data[0].items() if key != "general.architecture"]


json.dump({
    "names": [{"id": id, "parameters": n, "parts": [p or "" for p in Metadata.get_model_id_components(id, n)]} for id in NAMES for n in PARAMETERS],
    "titles": [[t, Metadata.id_to_title(t)] for t in TITLES],
    "sizes": [[list(s), size_label(*s)] for s in SIZES],
    "cards": [dict(case, pairs=pairs(case)) for case in CARDS],
}, (pathlib.Path(__file__).parent / "modelcard.json").open("w"), indent=None, separators=(",", ":"))
