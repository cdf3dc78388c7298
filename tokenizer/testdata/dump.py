"""Trains small byte-level BPE tokenizers and writes what Hugging Face's tokenizers make of many texts.

usage: dump.py SMOLLM2.json      the tokenizer.json that ../../models/testdata/smollm2.py convert writes

Writes <name>.json (the tokenizers) and reference.json. There, per tokenizer: ids of every text; plain, the ids without special
tokens where they differ; text, the ids decoded without special tokens; jumbled, random ids, and their text. Needs tokenizers 0.23.
"""
import json
import os
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
ODD = r"[a-z]+(?=\d)|[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]+"

PROSE = [
    "The quick brown fox jumps over the lazy dog. It isn't late, they're sure we've seen I'm what he'll do, she'd say.",
    "Der schnelle braune Fuchs springt über den faulen Hund; größere Äpfel kosten 12,50 € das Kilo.",
    "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n\n\nprint(fib(10))\n",
    "日本語のテキストと漢字、それからカタカナ。今日は天気がいいですね。",
    "Привет, мир! Как дела? Это простой текст для проверки.",
    "مرحبا بالعالم، هذا نص بسيط للاختبار.",
    "हिन्दी में एक साधारण वाक्य।",
    "SELECT name, COUNT(*) FROM users WHERE age >= 18 GROUP BY name ORDER BY 2 DESC LIMIT 100;",
    "for (int i = 0; i < 1000000; i++) { sum += a[i] * 3.14159e-10; }",
]
EDGES = [
    "", " ", "  ", "   a", "a   ", "a    b", "\n", "\n\n\n", " \n \n", "\t\tx\r\ny\r", "a\u00a0b", "a\u3000b\u2028c", "\x00", "a\x00b", "\x7f\x1b[0m",
    "'s", "'S", "'\u017f", "it's IT'S don'T 'Re'VE", "''''", "'ll'llama", "1", "12", "123", "1234", "12345678", "٣٤٥٦ ①②③ ½ Ⅷ", "a1b22c333d4444",
    "é", "e\u0301", "\u0301", "A\u030a\u00c5\u212b", "\ufb01 \u1e9b\u0323", "한국어 \u1112\u1161\u11ab", "👍", "👨‍👩‍👧‍👦 🇦🇹🇯🇵 ❤️ 🏳️‍🌈", "\ufeffbom", "\u200b\u200d",
    "\U0010ffff\ue000\ufffe", "\u0378\u05ff\U0001faff\U000323af", "...", "!?!?", " .", " ...\n\n", "foo.bar(baz)\n", "https://example.org/a?b=c&d=%20#e",
    "<|end|>", "a<|end|>b", "<|end|><|end|>", " <|end|> ", "<|en<|end|>d|>", "<|start|>user\nhi<|end|>\n", "x [PAD] y", "x[PAD]y", "word  [LEFT]  word",
    "word  [RIGHT]  word", "alone walone alonew alone", "ALONE Alone", "İstanbul ẞ ΑΣ", "tab\tx", "ab" * 40, "a" * 300, " " * 90 + "x", "\n" * 70, "=" * 80,
    "snake_case_name CamelCaseName kebab-case", "$100.00 + 5% = €95", "\\u0041 \\n", "“quoted” – dash — em…", "x²+y²=z²", "№ ™ © ª º",
]
RANGES = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x5ff), (0x900, 0x97f), (0x1100, 0x11ff), (0x2000, 0x206f), (0x3040, 0x30ff),
          (0x4e00, 0x4eff), (0xac00, 0xac80), (0x1f300, 0x1f5ff), (0x0, 0x10ffff)]


def texts():
    out, rng = PROSE + EDGES, random.Random(1)
    for i in range(60):
        low, high = RANGES[i % len(RANGES)]
        chars = [chr(rng.randint(low, high)) for _ in range(rng.randint(1, 24))]
        chars = [rng.choice(" \n'1a") if rng.random() < 0.25 or 0xd800 <= ord(c) < 0xe000 else c for c in chars]
        out.append("".join(chars))
    return out


def train(pre, size=560, normalizer=None, **options):
    tok = Tokenizer(models.BPE(**options))
    tok.pre_tokenizer, tok.decoder = pre, decoders.ByteLevel()
    if normalizer:
        tok.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tok.train_from_iterator(PROSE * 4, trainer)
    return tok


def words(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])


def make():
    level = pre_tokenizers.ByteLevel
    special = ["<|start|>", "<|end|>"]
    gpt2 = train(level(add_prefix_space=True))
    gpt2.add_special_tokens(special)
    smollm = train(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level(False)]))
    smollm.add_special_tokens(special)
    llama3 = train(words(LLAMA3), ignore_merges=True)
    llama3.add_special_tokens(special)
    start = llama3.token_to_id("<|start|>")
    llama3.post_processor = processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(
        single="<|start|> $A", pair="<|start|> $A <|start|>:1 $B:1", special_tokens=[("<|start|>", start)])])
    qwen2 = train(words(QWEN2), normalizer=normalizers.NFC())
    qwen2.add_special_tokens(special)
    odd = train(pre_tokenizers.Sequence([
        pre_tokenizers.Split("-", "merged_with_next"), pre_tokenizers.Split(".", "merged_with_previous"),
        pre_tokenizers.Split(Regex(ODD), "removed", invert=True), pre_tokenizers.Split("_", "contiguous"),
        pre_tokenizers.Digits(individual_digits=False), level(False, use_regex=False)]),
        normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]))
    odd.add_special_tokens(special)
    odd.add_tokens([AddedToken("[PAD]", normalized=False), AddedToken("[LEFT]", lstrip=True, normalized=False),
                    AddedToken("[RIGHT]", rstrip=True, normalized=False), AddedToken("alone", single_word=True)])
    return dict(gpt2=gpt2, smollm=smollm, llama3=llama3, qwen2=qwen2, odd=odd)


def main():
    made = make()
    for name, tok in made.items():
        with open(f"{HERE}/{name}.json", "w") as f:
            json.dump(json.loads(tok.to_str()), f, ensure_ascii=False, separators=(",", ":"))
    made["smollm2"] = Tokenizer.from_file(sys.argv[1])
    all_texts = texts()
    result = dict(texts=all_texts, cases={})
    for name, tok in made.items():
        rows = [tok.encode(t) for t in all_texts]
        parts = [tok.encode(t, add_special_tokens=False).ids for t in all_texts]
        rng = random.Random(2)
        jumbled = [[rng.randrange(tok.get_vocab_size()) for _ in range(12)] for _ in range(40)]
        result["cases"][name] = dict(
            ids=[r.ids for r in rows], plain=[p if p != r.ids else None for p, r in zip(parts, rows)],
            text=[tok.decode(r.ids, skip_special_tokens=True) for r in rows], jumbled=jumbled,
            jumbled_text=[tok.decode(j, skip_special_tokens=False) for j in jumbled])
    with open(f"{HERE}/reference.json", "w") as f:
        json.dump(result, f, ensure_ascii=False, separators=(",", ":"))


main()
