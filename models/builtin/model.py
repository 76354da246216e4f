"""The network of the built-in model: a small Qwen3-style decoder in PyTorch.

RMSNorm before attention and feed-forward, grouped-query attention with RMSNorm on each query and key head,
half-split RoPE, SwiGLU, tied embeddings, no biases. Parameter names are the tensor names of the GGUF file, so that export
and reading back need no table. This file is only the network: `train.py` trains it, `export.py` writes and reads the
file, `evaluate.py` measures it.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Config:
    vocab: int = 2048
    layers: int = 5
    dim: int = 256
    hidden: int = 768
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    context: int = 1024
    theta: float = 10000.0
    eps: float = 1e-6

    def as_dict(self):
        return asdict(self)


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))  # [width]
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


def rope_tables(config, dtype=torch.float32):
    """Cosines and sines, each `[context, head_dim / 2]`, computed in float64 and then rounded."""
    half = config.head_dim // 2
    frequency = config.theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(config.context, dtype=torch.float64)[:, None] * frequency[None, :]
    return angle.cos().to(dtype), angle.sin().to(dtype)


def rope(x, cos, sin):
    """Rotates pairs (i, i + head_dim / 2). `x` is `[batch, heads, tokens, head_dim]`."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.attn_norm = RMSNorm(c.dim, c.eps)
        self.attn_q = nn.Linear(c.dim, c.heads * c.head_dim, bias=False)
        self.attn_k = nn.Linear(c.dim, c.kv_heads * c.head_dim, bias=False)
        self.attn_v = nn.Linear(c.dim, c.kv_heads * c.head_dim, bias=False)
        self.attn_q_norm = RMSNorm(c.head_dim, c.eps)
        self.attn_k_norm = RMSNorm(c.head_dim, c.eps)
        self.attn_output = nn.Linear(c.heads * c.head_dim, c.dim, bias=False)
        self.ffn_norm = RMSNorm(c.dim, c.eps)
        self.ffn_gate = nn.Linear(c.dim, c.hidden, bias=False)
        self.ffn_up = nn.Linear(c.dim, c.hidden, bias=False)
        self.ffn_down = nn.Linear(c.hidden, c.dim, bias=False)

    def forward(self, x, cos, sin, cache=None):
        """`x` is `[batch, tokens, dim]`. `cache`, a dict that starts empty, keeps keys and values between calls."""
        c = self.c
        batch, tokens, _ = x.shape
        h = self.attn_norm(x)
        q = self.attn_q(h).view(batch, tokens, c.heads, c.head_dim)
        k = self.attn_k(h).view(batch, tokens, c.kv_heads, c.head_dim)
        v = self.attn_v(h).view(batch, tokens, c.kv_heads, c.head_dim).transpose(1, 2)
        q = rope(self.attn_q_norm(q).transpose(1, 2), cos, sin)
        k = rope(self.attn_k_norm(k).transpose(1, 2), cos, sin)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache["k"], k), dim=2), torch.cat((cache["v"], v), dim=2)
            cache["k"], cache["v"] = k, v
        groups = c.heads // c.kv_heads
        k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
        # With a cache, only a first call (many tokens) or single tokens are fed: causal or no mask, never between.
        y = F.scaled_dot_product_attention(q, k, v, is_causal=tokens > 1)
        x = x + self.attn_output(y.transpose(1, 2).reshape(batch, tokens, -1))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embd = nn.Embedding(config.vocab, config.dim)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = RMSNorm(config.dim, config.eps)
        self.tables = {}

    def initialize(self, seed):
        """Normal weights of deviation 0.02; those that write to the residual stream are scaled down by depth."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                scale = (2 * self.config.layers) ** -0.5 if name.endswith(("attn_output.weight", "ffn_down.weight")) else 1
                nn.init.normal_(weight, std=0.02 * scale, generator=generator)

    def hidden(self, tokens, caches=None):
        """Token ids `[batch, tokens]` to final hidden states `[batch, tokens, dim]`."""
        x = self.token_embd(tokens)
        if x.dtype not in self.tables:
            self.tables[x.dtype] = rope_tables(self.config, x.dtype)
        first = caches[0]["k"].shape[2] if caches and caches[0] else 0
        cos, sin = (table[first : first + tokens.shape[1]] for table in self.tables[x.dtype])
        for i, block in enumerate(self.blk):
            x = block(x, cos, sin, caches[i] if caches else None)
        return self.output_norm(x)

    def forward(self, tokens, caches=None):
        """Logits `[batch, tokens, vocab]`. The head is the embedding matrix."""
        return self.hidden(tokens, caches) @ self.token_embd.weight.T
