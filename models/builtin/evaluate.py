"""Measures a released file: held-out loss, sample conversations, and the references that tests compare with.

    python evaluate.py loss --work WORK fennec-builtin.gguf f32.gguf       loss of each file on each held-out split
    python evaluate.py samples fennec-builtin.gguf                         20 conversations as Markdown, and how many keep to the request
    python evaluate.py fixture fennec-builtin.gguf --out ../../test/fixtures/builtin

All arithmetic is on the dequantized weights: float32 for loss and samples, float64 for the fixture.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from corpus import render_chat
from export import SAMPLING, read_gguf
from tokenizer import END_OF_TEXT, IM_END, SPECIALS, SPLIT, read_documents
from train import heldout_loss

# What is asked, the words that the story must contain, and what is asked then. Fixed before training ended; the number
# is the seed, and there is one run. 10, 15 and 20 use words that training held out, 16 to 19 words that are in no list.
CONVERSATIONS = [
    ("Tell me a story about a fox who lost a lantern.", ["fox", "lantern"], ["What did the fox lose?", "Who helped?"]),
    ("Tell me a story about a bear who found a red kite.", ["bear", "red", "kite"], ["Where was the red kite?"]),
    ("tell me a story about a dragon who broke a mirror", ["dragon", "mirror"], ["Make it shorter."]),
    ("Write a short story about a robot named Mira who made a paper boat.", ["robot", "Mira", "paper boat"], ["Who helped Mira?"]),
    ("I would like a story about an owl who wanted a golden bell, please.", ["owl", "golden", "bell"], ["How did the owl get the money?"]),
    ("Can you tell me a story about a pirate and a silver spoon?", ["pirate", "silver", "spoon"], ["What happened next?"]),
    ("story about a hedgehog who lost a blue umbrella", ["hedgehog", "blue", "umbrella"], ["give it a title"]),
    ("Please tell me a story about a queen who could not swim.", ["queen", "swim"], ["Who taught the queen?"]),
    ("Tell me a story about a mouse who was afraid of thunder.", ["mouse", "thunder"], ["What is the moral?"]),
    ("Make up a story about a whale named Otto who shared a green balloon.", ["whale", "Otto", "green", "balloon"], ["What did Otto share?"]),
    ("Tell me a story about a wizard who stole a clock.", ["wizard", "clock"], ["Why was the wizard sorry?"]),
    ("Write a story about Lena who carried a honey pot to a friend.", ["Lena", "honey pot"], ["Who got the honey pot?"]),
    ("Tell me a story about a zebra who found an old compass.", ["zebra", "old", "compass"], ["Did the zebra keep it?"]),
    ("Tell me a story about a plumber who lost a trombone.", ["plumber", "trombone"], ["Where was it?"]),
    ("A story about a grumpy troll and a tiny violin, please.", ["troll", "tiny", "violin"], ["Who is the story about?"]),
    ("Tell me a story about a jellyfish who lost a purple backpack.", ["jellyfish", "purple", "backpack"], ["What did the jellyfish lose?"]),
    ("Tell me a story about an astronaut who found a croissant.", ["astronaut", "croissant"], ["Make it shorter."]),
    ("Tell me a story about a flamingo named Bartholomew who broke a saxophone.", ["flamingo", "Bartholomew", "saxophone"], ["What is his name?"]),
    ("Tell me a story about a snorvel who found a blue glimp.", ["snorvel", "blue", "glimp"], ["What did the snorvel find?"]),
    ("Hello! Tell me a story about a princess who lost a shoe.", ["princess", "shoe"], ["Tell it again with a duck."]),
]

FIXTURE_PROMPT = "Tell me a story about a brave fox named Mira who lost a red lantern."
GREEDY_PROMPTS = [
    [FIXTURE_PROMPT],
    ["What is 7 + 5?"],
    ["Who are you?"],
    ["Repeat after me: Zoë's café ☕ has 27 blue kites!"],
    ["Write a short story about a robot who found a jellyfish.", "Make it shorter."],
]


def tokenizer_of(tokens, merges):
    """The tokenizer as a reader of the file would build it."""
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS])
    return tokenizer


def load(path, dtype):
    model, tokens, merges = read_gguf(path, dtype)
    return model, tokenizer_of(tokens, merges)


def prompt_ids(tokenizer, turns, question):
    text = render_chat(turns) + f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    return tokenizer.encode(text, add_special_tokens=False).ids


def pick(logits, dice):
    """One id: temperature, then the most likely `top_k`, then the smallest set of them with `top_p` of the mass."""
    order = np.argsort(-logits, kind="stable")[: SAMPLING["top_k"]]
    scaled = logits[order].astype(np.float64) / SAMPLING["temp"]
    p = np.exp(scaled - scaled.max())
    p /= p.sum()
    kept = int(np.searchsorted(np.cumsum(p), SAMPLING["top_p"])) + 1
    return int(dice.choice(order[:kept], p=p[:kept] / p[:kept].sum()))


@torch.no_grad()
def generate(model, ids, choose, limit):
    """Up to `limit` ids after `ids`, chosen from the logits by `choose`; ends after <|im_end|> or <|endoftext|>."""
    caches = [{} for _ in model.blk]
    logits = model(torch.tensor([ids]), caches)[0, -1].numpy()
    out = []
    for _ in range(limit):
        out.append(choose(logits))
        if out[-1] in (IM_END, END_OF_TEXT):
            break
        logits = model(torch.tensor([out[-1:]]), caches)[0, -1].numpy()
    return out


def measure_loss(args):
    print("| file | bytes | " + " | ".join(args.splits) + " |")
    print("| --- | ---: |" + " ---: |" * len(args.splits))
    for path in args.files:
        model, tokenizer = load(path, torch.float32)
        losses = [heldout_loss(model, tokenizer, read_documents(args.work / f"heldout_{s}.txt")[: args.documents]) for s in args.splits]
        print(f"| {path.name} | {path.stat().st_size} | " + " | ".join(f"{loss:.4f}" for loss in losses) + " |", flush=True)


def sample(args):
    model, tokenizer = load(args.files[0], torch.float32)
    kept = 0
    for seed, (request, words, questions) in enumerate(CONVERSATIONS, 1):
        dice = np.random.Generator(np.random.PCG64(seed))
        turns = []
        for question in [request, *questions]:
            ids = generate(model, prompt_ids(tokenizer, turns, question), lambda logits: pick(logits, dice), 400)
            turns.append((question, tokenizer.decode(ids)))
        missing = [word for word in words if not re.search(rf"\b{re.escape(word)}\b", turns[0][1], re.IGNORECASE)]
        kept += not missing
        print(f"### {seed}. Seed {seed}: " + ("kept" if not missing else "lost " + ", ".join(missing)) + "\n")
        for question, answer in turns:
            print(f"> {question}\n\n{answer}\n", flush=True)
    print(f"{kept} of {len(CONVERSATIONS)} stories keep the hero and the thing.")


@torch.no_grad()
def write_fixture(args):
    path = args.files[0]
    model, tokenizer = load(path, torch.float64)
    args.out.mkdir(parents=True, exist_ok=True)
    margin = np.inf

    def best(logits):
        nonlocal margin
        second, first = np.partition(logits, -2)[-2:]
        margin = min(margin, first - second)
        return int(logits.argmax())

    about = {
        "model": str(args.model_path),
        "model_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "made_by": "models/builtin/evaluate.py fixture",
        "oracle": f"models/builtin/model.py in torch {torch.__version__.split('+')[0]}, float64, on the dequantized weights",
    }
    prompt = prompt_ids(tokenizer, [], FIXTURE_PROMPT)
    greedy = generate(model, prompt, best, args.greedy)
    logits = model(torch.tensor([prompt + greedy[:-1]]))[0].float().numpy()  # [prompt + greedy - 1, vocab]
    (args.out / "fennec-builtin.f32").write_bytes(logits.astype("<f4").tobytes())
    fixture = {
        **about,
        "logits": "fennec-builtin.f32",
        "vocab": logits.shape[1],
        "rows": logits.shape[0],
        "prompt": prompt,
        "greedy": greedy,
        "greedy_margin": round(float(margin), 6),
        "text": FIXTURE_PROMPT,
        "greedy_text": tokenizer.decode(greedy),
        "bound": 1e-9,
    }
    (args.out / "fennec-builtin.json").write_text(json.dumps(fixture, ensure_ascii=False) + "\n", encoding="utf-8")

    cases = []
    for questions in GREEDY_PROMPTS:
        turns = []
        for question in questions:
            margin = np.inf
            ids = prompt_ids(tokenizer, turns, question)
            answer = generate(model, ids, best, 64)
            turns.append((question, tokenizer.decode(answer)))
        cases.append({"messages": questions, "prompt": ids, "greedy": answer, "margin": round(float(margin), 6), "text": turns[-1][1]})
    lines = ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in cases)
    head = json.dumps(about, ensure_ascii=False, indent=2)[:-2]
    (args.out / "greedy.json").write_text(f'{head},\n  "cases": [\n{lines}\n  ]\n}}\n', encoding="utf-8")
    print(f"{logits.shape[0]} rows; smallest distance of the best two logits {fixture['greedy_margin']}, {[c['margin'] for c in cases]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["loss", "samples", "fixture"])
    parser.add_argument("files", type=Path, nargs="+", help="GGUF files; samples and fixture take one")
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder with the held-out text")
    parser.add_argument("--documents", type=int, default=600, help="held-out documents of each split to measure on")
    parser.add_argument("--splits", nargs="+", default=["seed", "lexicon", "full"])
    parser.add_argument("--out", type=Path, default=Path("../../test/fixtures/builtin"), help="folder for the fixture")
    parser.add_argument("--model-path", type=Path, default=Path("../../../models/builtin/fennec-builtin.gguf"), help="how the fixture names the file")
    parser.add_argument("--greedy", type=int, default=64, help="greedy tokens in the fixture")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    {"loss": measure_loss, "samples": sample, "fixture": write_fixture}[args.what](args)


if __name__ == "__main__":
    main()
