"""Trains a tokenizer on the texts in a file, one JSON string a line, and writes its tokenizer.json.

usage: train.py unigram|wordpiece TEXTS OUT      needs tokenizers 0.23
"""
import json
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

kind, texts, out = sys.argv[1:]
if kind == "unigram":  # as XLM-R's and T5's
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tok.decoder = decoders.Metaspace()
    special = ["<s>", "</s>", "<unk>", "<pad>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=9000, special_tokens=special, unk_token="<unk>", show_progress=False)
    template = "<s> $A </s>", "<s> $A </s> </s> $B </s>", special[:2]
else:  # as BERT's
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer, tok.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=3000, special_tokens=special, show_progress=False)
    template = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", special[2:4]
tok.train_from_iterator([json.loads(line) for line in open(texts)], trainer)
single, pair, marks = template
tok.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=[(m, tok.token_to_id(m)) for m in marks])
tok.save(out)
