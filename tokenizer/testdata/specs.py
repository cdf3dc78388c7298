"""Writes specs.json: what Hugging Face's tokenizers make of short texts with every component of a tokenizer.json.

usage: specs.py      needs tokenizers 0.23 and sentencepiece

A spec is a base tokenizer with some members replaced. For every text it holds ids, starts and ends of offsets in characters and
the numbers of words; for pairs all that an encoding has; for lists of ids what they decode to. null is an error.
"""
import itertools
import json
import os
import random
import tempfile

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.processors import TemplateProcessing

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = [
    "", " ", "ab c", "  ab  cab\t\n", "Ab'S don't 12x345", "a-b_c.d, e!?f..", "abcab<s>ab</s> x", "é e\u0301 ǅ İ ẞ", "\u1100\u1161\u11a8가 ﬁ½Å",
    "日本語ab カナ한국", "a\u00a0b\u3000\r\nc\n\n d", "\x00\x01a\x7f\u200b\u200d\ufeffb\ufffd", "👍🏽a👨‍👩 ❤️", "Hello WORLD's HTTPServer ab", "١٢٣4५६ x²",
    "ﬁe\u0301x½y\u00a0\u200bz e\u0301\u0301", "[M] a[M]b [L]  a [R]  b", "day Day monday day.", "\u0344\u0301a q\u0307\u0323",
]
PAIRS = [("ab c", "cab a"), ("", "a"), ("abcab c a b", "b"), ("a b", "cabab ab c c a b é")]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def spelling():
    """BPE whose tokens spell out any text: letters and bytes, with a few merges."""
    tokens = ["<unk>", "<s>", "</s>", "<pad>"] + ["<0x%02X>" % b for b in range(256)] + list(LETTERS + " ▁Ġ'") + ["ab", "ca", "cab", "▁a", "Ġa", "ab▁"]
    merges = [("a", "b"), ("c", "a"), ("c", "ab"), ("▁", "a"), ("Ġ", "a"), ("ab", "▁")]
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges, unk_token="<unk>", byte_fallback=True))
    tok.add_special_tokens(["<s>", "</s>", "<pad>"])
    return tok


def byte_level():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + ["ab", "ca", "cab", "Ġa", "ĠĠ", "Ã©", "</s>", "<s>"]
    merges = [("a", "b"), ("c", "a"), ("c", "ab"), ("Ġ", "a"), ("Ġ", "Ġ"), ("Ã", "©")]
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tok.pre_tokenizer, tok.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    tok.add_special_tokens(["<s>", "</s>"])
    return tok


def words(kind):
    tokens = ["[UNK]", "[CLS]", "[SEP]", "ab", "a", "b", "c", "##b", "##c", "##ab", "ca", "##a", "day", "Day", "é", "日", "##本", ".", "##.", "hello", "e"]
    vocab = {t: i for i, t in enumerate(tokens)}
    if kind == "piece":
        tok = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=8))
    else:
        tok = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tok.pre_tokenizer = pre_tokenizers.Whitespace()
    tok.add_special_tokens(["[CLS]", "[SEP]"])
    return tok


def unigram():
    vocab = [("<unk>", 0.0), ("<s>", 0.0), ("▁", -2.5), ("a", -3.1), ("b", -3.3), ("c", -3.5), ("ab", -3.0), ("cab", -6.0), ("▁a", -3.2), ("▁ab", -4.4),
             ("é", -5.0), ("日", -6.0), ("日本", -6.5), ("本語", -6.1), ("<0xE8>", -9.0), ("<0xAA>", -9.0), ("<0x9E>", -9.0), ("\n", -4.0), ("語x", -3.0)]
    tok = Tokenizer(models.Unigram(vocab, 0, False))
    tok.pre_tokenizer, tok.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tok.add_special_tokens(["<s>"])
    return tok


BASES = dict(spell=spelling(), level=byte_level(), piece=words("piece"), word=words("level"), unigram=unigram())


def charsmap():
    """A character map as SentencePiece compiles it from rules."""
    rules = {"ﬁ": "fi", "e\u0301": "é", "½": "1/2", "\u00a0": " ", "\u200b": "", "Å": "A", "カ": "か", "x": "xyz"}
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/rules", "w") as f:
            for a, b in rules.items():
                f.write(" ".join("%X" % ord(c) for c in a) + "\t" + " ".join("%X" % ord(c) for c in b) + "\n")
        with open(folder + "/text", "w") as f:
            f.write("a b c\n" * 50)
        sentencepiece.SentencePieceTrainer.train(input=folder + "/text", model_prefix=folder + "/m", vocab_size=8, model_type="char",
                                                 normalization_rule_tsv=folder + "/rules", minloglevel=2)
        from sentencepiece import sentencepiece_model_pb2 as pb
        model = pb.ModelProto()
        model.ParseFromString(open(folder + "/m.model", "rb").read())
        return model.normalizer_spec.precompiled_charsmap


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN35 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
DEEPSEEK = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")
PATTERNS = dict(llama3=LLAMA3, qwen2=LLAMA3.replace("{1,3}", ""), qwen35=QWEN35, o200k=CASED % (SHORT, SHORT, "{1,3}"), tekken=CASED % ("", "", ""),
                deepseek=DEEPSEEK, cjk="[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", digits=r"\p{N}{1,3}", other=r"[a-c]+(?=\d|x)|\s|[^\sa-z]{2}")


def part(component):
    return json.loads(component.__getstate__())


def specs():
    n, p, d, post = normalizers, pre_tokenizers, decoders, processors
    for name, c in dict(
            nfc=n.NFC(), nfd=n.NFD(), nfkc=n.NFKC(), nfkd=n.NFKD(), lowercase=n.Lowercase(), strip=n.Strip(), lstrip=n.Strip(right=False), rstrip=n.Strip(left=False),
            accents=n.StripAccents(), unaccented=n.Sequence([n.NFD(), n.StripAccents(), n.Lowercase()]), replace=n.Replace("ab", "xyz"),
            replace_regex=n.Replace(Regex(r"\s+"), "▁"), replace_none=n.Replace(Regex("[ab]"), ""), replace_empty=n.Replace(Regex(" *"), "_"), prepend=n.Prepend("▁x"), nmt=n.Nmt(),
            byte_level=n.ByteLevel(), precompiled=n.Precompiled(charsmap()), bert=n.BertNormalizer(), bert_cased=n.BertNormalizer(lowercase=False),
            bert_accents=n.BertNormalizer(strip_accents=False), bert_raw=n.BertNormalizer(clean_text=False, handle_chinese_chars=False),
            sequence=n.Sequence([n.Sequence([n.NFKC(), n.Replace("i", "fif")]), n.Prepend("▁"), n.Replace(" ", "▁")])).items():
        yield "normalizer " + name, "spell", dict(normalizer=part(c))
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    pre = {f"split {b} {i}": p.Split(Regex("[ab]"), b, invert=i) for b in behaviors for i in (False, True)}
    pre.update({f"split text {b}": p.Split("ab", b) for b in behaviors})
    pre.update({f"punctuation {b}": p.Punctuation(b) for b in behaviors})
    pre.update({"pattern " + k: p.Split(Regex(v), "isolated") for k, v in PATTERNS.items()})
    pre.update({"pattern removed " + k: p.Split(Regex(PATTERNS[k]), "removed") for k in ("deepseek", "cjk", "digits")})
    pre.update({f"metaspace {s} {c}": p.Metaspace(prepend_scheme=s, split=c) for s in ("always", "first", "never") for c in (True, False)})
    pre.update({f"bytes {a} {r}": p.ByteLevel(add_prefix_space=a, use_regex=r) for a in (True, False) for r in (True, False)})
    pre.update(digits=p.Digits(), digit=p.Digits(True), whitespace=p.Whitespace(), whitespace_split=p.WhitespaceSplit(), bert=p.BertPreTokenizer(), scripts=p.UnicodeScripts(),
               delimiter=p.CharDelimiterSplit("b"), fixed=p.FixedLength(3), sequence=p.Sequence([p.Sequence([p.WhitespaceSplit(), p.Digits(True)]), p.Metaspace(prepend_scheme="first")]),
               late_bytes=p.Sequence([p.ByteLevel(use_regex=False), p.Split("Ġ", "merged_with_next")]))
    for name, c in pre.items():
        yield "pre_tokenizer " + name, "spell", dict(pre_tokenizer=part(c))
    yield "first after change", "spell", dict(normalizer=part(n.Prepend("x")), pre_tokenizer=part(p.Sequence([p.Split("x", "isolated"), p.Metaspace(prepend_scheme="first")])))
    yield from model_specs()
    yield from added_specs()
    for trim, space in itertools.product((True, False), repeat=2):
        yield f"post ByteLevel {trim} {space}", "level", dict(post_processor=part(post.ByteLevel(add_prefix_space=space, trim_offsets=trim)))
        yield f"post Roberta {trim} {space}", "level", dict(post_processor=part(post.RobertaProcessing(("</s>", 262), ("<s>", 263), trim, space)))
    yield "post Bert", "piece", dict(post_processor=part(post.BertProcessing(("[SEP]", 2), ("[CLS]", 1))))
    template = TemplateProcessing(single="<s> $A:1 </s>:2", pair="$B:3 <s> $A <s> </s>:1", special_tokens=[("<s>", 1), ("</s>", 2)])
    yield "post Template", "spell", dict(post_processor=part(template))
    yield "post Sequence", "level", dict(post_processor=part(post.Sequence([post.ByteLevel(trim_offsets=True), TemplateProcessing(
        single="<s> $A", pair="<s> $A </s> $B", special_tokens=[("<s>", 263), ("</s>", 262)])])))
    yield from length_specs(template)


def model_specs():
    base = json.loads(BASES["spell"].to_str())["model"]
    few = {k: v for k, v in base["vocab"].items() if not k.startswith("<0x")}
    some = {k: v for k, v in base["vocab"].items() if not k.startswith("<0x") or k < "<0xE0>"}
    for name, change in {
        "unk": dict(vocab=few), "fused": dict(vocab=few, fuse_unk=True), "some bytes": dict(vocab=some), "some bytes fused": dict(vocab=some, fuse_unk=True),
        "dropped": dict(vocab=few, unk_token=None), "no fallback": dict(byte_fallback=False), "notation": dict(merges=[" ".join(m) for m in base["merges"]]),
        "affixes": dict(vocab={**few, "a</w>": 300, "@b</w>": 301, "@b": 302, "ab</w>": 303, "@c": 304, "ca@b": 305}, continuing_subword_prefix="@", end_of_word_suffix="</w>",
                        merges=["a @b</w>", "a @b"]),
        "ignored merges": dict(ignore_merges=True, vocab={**base["vocab"], "don't": 310, "cabab": 311}),
    }.items():
        yield "model BPE " + name, "spell", dict(model={**base, **change}, pre_tokenizer=part(pre_tokenizers.WhitespaceSplit()))
    base = json.loads(BASES["unigram"].to_str())["model"]
    for name, change in {"plain": {}, "bytes": dict(byte_fallback=True), "no unk": dict(unk_id=None), "unk": dict(unk_id=5)}.items():
        yield "model Unigram " + name, "unigram", dict(model={**base, **change})
    for name in ("piece", "word"):
        base = json.loads(BASES[name].to_str())["model"]
        yield "model " + name, name, {}
        yield "model lower " + name, name, dict(normalizer=part(normalizers.BertNormalizer()), pre_tokenizer=part(pre_tokenizers.BertPreTokenizer()))
        yield "model no unk " + name, name, dict(model={**base, "unk_token": "[none]"})


def added_specs():
    def token(i, content, **options):
        return dict(dict(id=i, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False), **options)

    tokens = [token(400, "[M]", special=True), token(401, "[L]", lstrip=True), token(402, "[R]", rstrip=True, special=True), token(403, "day", single_word=True),
              token(404, "Day", normalized=True, special=True), token(405, "ab c", lstrip=True, rstrip=True, normalized=True), token(406, "[M] a"), token(407, "  ", rstrip=True)]
    for name, normalizer in dict(none=None, lowercase=part(normalizers.Lowercase()), metaspace=part(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]))).items():
        yield "added " + name, "spell", dict(added_tokens=tokens, normalizer=normalizer)
    yield "added trimmed", "level", dict(added_tokens=tokens, post_processor=part(processors.ByteLevel(trim_offsets=True)))


def length_specs(template):
    cases = [dict(direction=d, max_length=m, strategy=s, stride=stride) for d in ("Right", "Left") for m, stride in ((6, 0), (5, 1), (3, 2))
             for s in ("LongestFirst", "OnlyFirst", "OnlySecond")]
    for c in cases:
        parts = dict(truncation=c, post_processor=part(template), pre_tokenizer=part(pre_tokenizers.Whitespace()))
        yield "truncation " + " ".join(map(str, c.values())), "spell", parts
    yield "truncation roberta", "level", dict(truncation=cases[3], post_processor=part(processors.RobertaProcessing(("</s>", 262), ("<s>", 263))))
    for direction, strategy, multiple in (("Right", dict(Fixed=7), None), ("Left", "BatchLongest", 4), ("Right", "BatchLongest", 8), ("Left", dict(Fixed=5), 3)):
        yield f"padding {direction} {strategy} {multiple}", "spell", dict(padding=dict(strategy=strategy, direction=direction, pad_to_multiple_of=multiple, pad_id=3, pad_type_id=1,
                                                                                 pad_token="<pad>"), truncation=cases[0])


def decoder_specs():
    d = decoders
    replace = d.Replace("▁", " ")
    for name, c in {
        "ByteLevel": d.ByteLevel(), "ByteFallback": d.ByteFallback(), "Fuse": d.Fuse(), "Strip": d.Strip("a", 1, 1), "Strip more": d.Sequence([d.Fuse(), d.Strip("a", 2, 3)]), "Replace": replace,
        "Replace regex": d.Replace(Regex("[ab]+"), "-"), "Metaspace": d.Metaspace(), "Metaspace never": d.Metaspace(prepend_scheme="never"), "WordPiece": d.WordPiece("a"),
        "WordPiece raw": d.WordPiece("##", cleanup=False), "BPE": d.BPEDecoder("ab"), "CTC": d.CTC("a", "b"), "CTC raw": d.CTC("<pad>", "c", cleanup=False), "none": None,
        "llama": d.Sequence([replace, d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]), "mixed": d.Sequence([d.ByteFallback(), d.Fuse(), replace, d.BPEDecoder("b"), d.Strip("c", 0, 2)]),
    }.items():
        yield "decoder " + name, part(c) if c else None


def flat(e):
    return [e.ids, [o[0] for o in e.offsets], [o[1] for o in e.offsets], [-1 if w is None else w for w in e.word_ids]]


def whole(e):
    return flat(e) + [e.type_ids, e.special_tokens_mask, e.attention_mask, [whole(o) for o in e.overflowing]]


def attempt(f, *args):
    try:
        return f(*args)
    except BaseException as e:  # a panic of the reference is one
        if isinstance(e, KeyboardInterrupt):
            raise
        return None


def main():
    out = dict(bases={k: json.loads(v.to_str()) for k, v in BASES.items()}, texts=TEXTS, pairs=PAIRS, specs=[], decoders=[])
    for name, base, parts in specs():
        tok = Tokenizer.from_str(json.dumps({**out["bases"][base], **parts}))
        full = name.split()[0] in ("post", "truncation", "padding")
        spec = dict(name=name, base=base, parts=parts, texts=[attempt(lambda: flat(tok.encode(t))) for t in TEXTS])
        if full:
            spec["texts"] = spec["texts"][:8]
            spec["pairs"] = [attempt(lambda: whole(tok.encode(a, b, add_special_tokens=s))) for a, b in PAIRS for s in (True, False)]
        out["specs"].append(spec)
    rng = random.Random(3)
    tok = out["bases"]["spell"]
    ids = [i for i in tok["model"]["vocab"].values() if i < 4 or i >= 260]
    spelt = lambda text: [4 + b for b in text.encode()]
    lists = [[], [264], spelt("é"), spelt("日") + [264], spelt("日")[:2], [264] + spelt("日")[1:] + spelt("日") + [265], [260, 260, 264, 264, 1, 2]]
    lists += [[rng.choice(ids) for _ in range(rng.randint(1, 12))] for _ in range(14)] + [[rng.randrange(298) for _ in range(8)] for _ in range(6)]
    for name, c in decoder_specs():
        t = Tokenizer.from_str(json.dumps({**tok, "decoder": c}))
        out["decoders"].append(dict(name=name, decoder=c, plain=[attempt(t.decode, l, True) for l in lists], text=[attempt(t.decode, l, False) for l in lists]))
    out["lists"] = lists
    with open(f"{HERE}/specs.json", "w") as f:
        json.dump(out, f, ensure_ascii=False, separators=(",", ":"))
    print(len(out["specs"]), "specs,", len(out["decoders"]), "decoders,", os.path.getsize(f"{HERE}/specs.json"), "bytes")


main()
