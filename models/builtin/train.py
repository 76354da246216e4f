"""Trains the built-in model on the corpus: Muon for the matrices, AdamW for the rest, until a time budget is used.

    python train.py --work WORK --minutes 68         again with the same arguments: resumes from WORK/checkpoint.pt

Learning rate and sequence length follow the share of the budget that is used, so that a slower machine trains on fewer
tokens but still anneals: warm-up over 2 percent, constant, linear to zero over the last 70 percent; sequences of 512
tokens, of the full context over the last 8 percent. Data order follows from the seed; the number of steps from the
machine.

Each row of a batch begins at the start of a document and continues with the documents after it. Only answers and plain
stories count in the loss, not what users say (`encode_document` in tokenizer.py).
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from export import read_gguf
from model import Config, Model
from tokenizer import encode_document, read_documents


class Muon(torch.optim.Optimizer):
    """Momentum whose update is replaced by the nearest orthogonal matrix, found by a Newton-Schulz iteration.

    Source: Keller Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the polynomial's
    coefficients are given there.
    """

    def __init__(self, matrices, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                mean = state.setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - group["momentum"])
                update = orthogonal(weight.grad.lerp(mean, group["momentum"]))
                scale = max(1, weight.shape[0] / weight.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * scale)


def orthogonal(matrix, steps=5):
    """All singular values of `matrix` moved near 1."""
    x = (matrix / (matrix.norm() + 1e-7)).bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Corpus:
    """All documents in one array of ids, with what to learn and where documents start. Encoded once, kept in a file."""

    def __init__(self, work, tokenizer):
        cache = work / "train.npz"
        if not cache.exists():
            ids, learn, starts = [], [], []
            for text in read_documents(work / "train.txt"):
                document, mask = encode_document(tokenizer, text)
                starts.append(len(ids))
                ids += document
                learn += mask
            np.savez(cache, ids=np.array(ids, np.uint16), learn=np.array(learn, np.uint8), starts=np.array(starts, np.int64))
        arrays = np.load(cache)
        self.ids, self.learn, self.starts = arrays["ids"], arrays["learn"], arrays["starts"]

    def batch(self, position, rows, length):
        """`rows` rows of `length` + 1 ids from the document at `position` on, and the position after them. Wraps at the end."""
        picked = []
        for _ in range(rows):
            if position + length + 1 > len(self.ids):
                position = 0
            picked.append(slice(position, position + length + 1))
            # A document cut off by the row's end begins the next row; one longer than a row is not continued.
            document = np.searchsorted(self.starts, position + length, side="right") - 1
            if self.starts[document] == position:
                document = (document + 1) % len(self.starts)
            position = int(self.starts[document])
        ids = torch.from_numpy(np.stack([self.ids[s] for s in picked]).astype(np.int64))
        learn = torch.from_numpy(np.stack([self.learn[s] for s in picked]).astype(bool))
        return ids, learn, position


@torch.no_grad()
def heldout_loss(model, tokenizer, documents, rows=8):
    """Mean loss in nats per learned token, each document by itself from position 0, in the model's own precision."""
    encoded = sorted((encode_document(tokenizer, text) for text in documents), key=lambda pair: len(pair[0]))
    total = count = 0
    for first in range(0, len(encoded), rows):
        group = encoded[first : first + rows]
        length = min(max(len(ids) for ids, _ in group), model.config.context + 1)
        ids = torch.zeros(len(group), length, dtype=torch.long)
        learn = torch.zeros(len(group), length, dtype=torch.bool)
        for row, (document, mask) in enumerate(group):
            n = min(len(document), length)
            ids[row, :n] = torch.tensor(document[:n])
            learn[row, :n] = torch.tensor(mask[:n], dtype=torch.bool)
        target = learn[:, 1:]
        logits = model.hidden(ids[:, :-1])[target] @ model.token_embd.weight.T
        total += F.cross_entropy(logits, ids[:, 1:][target], reduction="sum").item()
        count += int(target.sum())
    return total / count


def schedule(progress):
    """Factor on the learning rates at a share of the budget."""
    return max(0.0, min(progress / 0.02, 1, (1 - progress) / 0.7))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder with the corpus and tokenizer.json; checkpoints go there")
    parser.add_argument("--minutes", type=float, default=68, help="time budget, over all resumed runs")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a batch")
    parser.add_argument("--lr-matrices", type=float, default=0.02)
    parser.add_argument("--lr-rest", type=float, default=0.003)
    parser.add_argument("--start", type=Path, help="a released file whose weights to begin with (its tokenizer must be the work folder's)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="compile the network (needs a C++ compiler)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    tokenizer = Tokenizer.from_file(str(args.work / "tokenizer.json"))
    corpus = Corpus(args.work, tokenizer)
    heldout = {name: read_documents(args.work / f"heldout_{name}.txt")[:100] for name in ("seed", "full")}
    if args.start:
        model = read_gguf(args.start)[0].train()
    else:
        model = Model(Config(vocab=tokenizer.get_vocab_size(), layers=args.layers))
        model.initialize(args.seed)
    matrices = [w for name, w in model.named_parameters() if w.ndim == 2 and name.startswith("blk.")]
    rest = [w for name, w in model.named_parameters() if w.ndim != 2 or not name.startswith("blk.")]
    optimizers = [Muon(matrices, args.lr_matrices), torch.optim.AdamW(rest, args.lr_rest, betas=(0.9, 0.95), weight_decay=0.0)]
    state = {"step": 0, "seconds": 0.0, "tokens": 0, "position": 0, "history": []}

    checkpoint = args.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        for optimizer, value in zip(optimizers, saved["optimizers"]):
            optimizer.load_state_dict(value)
        state = saved["state"]
        print(f"resumed at step {state['step']}, {state['seconds']:.0f} s", flush=True)
    base = [args.lr_matrices, args.lr_rest]
    hidden = torch.compile(model.hidden) if args.compile else model.hidden
    print(f"{sum(w.numel() for w in model.parameters())} parameters, {len(corpus.ids)} tokens in the corpus", flush=True)

    def save():
        value = {"model": model.state_dict(), "config": model.config.as_dict(), "optimizers": [o.state_dict() for o in optimizers], "state": state}
        torch.save(value, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    def evaluate(progress):
        losses = {name: heldout_loss(model, tokenizer, documents) for name, documents in heldout.items()}
        state["history"].append({"progress": progress, "step": state["step"], "tokens": state["tokens"], **losses})
        print(json.dumps(state["history"][-1]), flush=True)

    budget = args.minutes * 60
    last = None  # the first step of a run compiles: it uses none of the budget
    saved_at = time.monotonic()
    marks = [0.25, 0.5, 0.75, 0.9, 1.0]  # shares of the budget at which to measure
    while True:
        progress = state["seconds"] / budget
        passed = state["history"][-1]["progress"] if state["history"] else 0.0
        if any(passed < mark <= progress for mark in marks):
            evaluate(progress)
            saved_at = -math.inf
            last = time.monotonic()  # measuring is not training: it uses none of the budget
        if time.monotonic() - saved_at > 120:
            save()
            saved_at = time.monotonic()
        if progress >= 1:
            break
        long = progress > 0.92
        length = model.config.context if long else 512
        ids, learn, state["position"] = corpus.batch(state["position"], args.tokens // length, length)
        target = learn[:, 1:]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            # Few steps are long: not worth compiling for another shape.
            logits = (model.hidden if long else hidden)(ids[:, :-1])[target] @ model.token_embd.weight.T
        loss = F.cross_entropy(logits.float(), ids[:, 1:][target])
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer, lr in zip(optimizers, base):
            for group in optimizer.param_groups:
                group["lr"] = lr * schedule(progress + 1e-4)
            optimizer.step()
        assert math.isfinite(loss.item()), "the loss is not finite"
        state["step"] += 1
        state["tokens"] += ids[:, 1:].numel()
        now = time.monotonic()
        state["seconds"] += now - last if last else 0.0
        last = now
        if state["step"] % 20 == 0:
            rate = state["tokens"] / state["seconds"]
            print(f"step {state['step']} {state['seconds']:.0f} s loss {loss.item():.4f} {rate:.0f} tokens/s", flush=True)

    before = next(h for h in state["history"] if h["progress"] >= 0.9)
    gain = 1 - state["history"][-1]["full"] / before["full"]
    rule = "converged: under" if gain < 0.005 else "time used up: over"
    print(f"{rule} 0.5 percent in the last 10 percent of the budget ({100 * gain:.2f} percent)", flush=True)


if __name__ == "__main__":
    main()
