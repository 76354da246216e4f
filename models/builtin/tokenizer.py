"""Trains and applies the tokenizer of the built-in model: byte-level BPE, 2,048 tokens, split as Qwen2 splits.

    python tokenizer.py --work WORK        reads WORK/train.txt, writes WORK/tokenizer.json

Ids 0 to 2 are the special tokens, 3 to 258 the bytes, the rest merges in order of training. Every byte has a token, so
any text can be encoded and decoded unchanged; there is no normalization.
"""

import argparse
import json
import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
END_OF_TEXT, IM_START, IM_END = range(3)

# The pattern that llama.cpp applies for `tokenizer.ggml.pre = qwen2` (llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_QWEN2).
SPLIT = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def read_documents(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def encode_document(tokenizer, text):
    """Ids of one document with its end, and for each id whether the model should learn to write it.

    In a chat those are the answers, each with the token that ends it; in plain text everything.
    """
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    if IM_START not in ids:
        return ids + [END_OF_TEXT], [1] * (len(ids) + 1)
    header = tokenizer.encode("assistant\n", add_special_tokens=False).ids
    learn = [0] * len(ids)
    for start, token in enumerate(ids):
        first = start + 1 + len(header)
        if token == IM_START and ids[start + 1 : first] == header:
            last = ids.index(IM_END, first)
            learn[first : last + 1] = [1] * (last + 1 - first)
    return ids + [END_OF_TEXT], learn + [0]


def train(documents, vocab):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    plain = (re.sub(r"<\|\w+\|>", "", text) for text in documents)
    tokenizer.train_from_iterator(plain, trainer)
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder with train.txt")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--documents", type=int, default=30000, help="documents to train on, from the start of train.txt")
    args = parser.parse_args()
    documents = read_documents(args.work / "train.txt")[: args.documents]
    tokenizer = train(documents, args.vocab)
    tokenizer.save(str(args.work / "tokenizer.json"))

    sample = "Zoë's café ☕ 日本 🦊 \t\r\n  x  12345\x00\x7f é"
    assert tokenizer.decode(tokenizer.encode(sample).ids) == sample
    sizes = [len(tokenizer.encode(text).ids) for text in documents[:2000]]
    letters = sum(map(len, documents[:2000]))
    print(f"{tokenizer.get_vocab_size()} tokens; {letters / sum(sizes):.2f} characters per token, {sum(sizes) / len(sizes):.0f} tokens per document")


if __name__ == "__main__":
    main()
