"""Writes the trained model as a GGUF file and reads such a file back as a PyTorch model.

    python export.py --work WORK --type q8_0 --out fennec-builtin.gguf      from WORK/checkpoint.pt
    python export.py --dequantize fennec-builtin.gguf --out f32.gguf        the same weights, stored as F32

Types: f32; q8_0 and q4_0 (all matrices); mix (feed-forward matrices in Q4_0, the rest in Q8_0). Norm gains stay in F32.
The blocks are made by the quantizers of the Python package gguf.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

from model import Config, Model
from tokenizer import END_OF_TEXT, IM_END, SPECIALS

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
DESCRIPTION = (
    "The small model that comes with Fennec, for trying the engine: it tells short stories, answers questions about them "
    "and does small sums. Trained from scratch on text from a grammar."
)
# What the sample transcripts in the model card were drawn with.
SAMPLING = {"temp": 0.5, "top_p": 0.9, "top_k": 40}

FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
    "mix": gguf.LlamaFileType.MOSTLY_Q4_0,
}


def tensor_type(name, shape, choice):
    if len(shape) == 1 or choice == "f32":
        return Type.F32
    if choice == "mix":
        return Type.Q4_0 if ".ffn_" in name else Type.Q8_0
    return {"q8_0": Type.Q8_0, "q4_0": Type.Q4_0}[choice]


def write_gguf(path, config, weights, tokens, merges, choice):
    """`weights` maps names to float32 arrays, slow axis first; `tokens` and `merges` are lists of strings."""
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_type("model")
    writer.add_name("Fennec Built-in")
    writer.add_author("The Fennec authors")
    writer.add_organization("Fennec")
    writer.add_version("1")
    writer.add_description(DESCRIPTION)
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_size_label(f"{sum(w.size for w in weights.values()) / 1e6:.1f}M")
    writer.add_file_type(FILE_TYPES[choice])
    if choice != "f32":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_float32(gguf.Keys.General.SAMPLING_TEMP, SAMPLING["temp"])
    writer.add_float32(gguf.Keys.General.SAMPLING_TOP_P, SAMPLING["top_p"])
    writer.add_int32(gguf.Keys.General.SAMPLING_TOP_K, SAMPLING["top_k"])

    writer.add_context_length(config.context)
    writer.add_embedding_length(config.dim)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.hidden)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.theta)
    writer.add_layer_norm_rms_eps(config.eps)
    writer.add_vocab_size(config.vocab)

    control = len(SPECIALS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * control + [gguf.TokenType.NORMAL] * (len(tokens) - control))
    writer.add_token_merges(merges)
    writer.add_eos_token_id(IM_END)
    writer.add_eot_token_id(IM_END)
    writer.add_pad_token_id(END_OF_TEXT)
    # Nothing is put before the text. The id is there because readers assume one that means something else when it is absent.
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)

    for name, array in weights.items():
        kind = tensor_type(name, array.shape, choice)
        if kind == Type.F32:
            writer.add_tensor(name, array)
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_gguf(path, dtype=torch.float32):
    """The model in a file, its weights dequantized, and the tokenizer's tokens and merges."""
    reader = gguf.GGUFReader(path)
    field = lambda key: reader.get_field(key).contents()
    config = Config(
        vocab=len(field("tokenizer.ggml.tokens")),
        layers=field("qwen3.block_count"),
        dim=field("qwen3.embedding_length"),
        hidden=field("qwen3.feed_forward_length"),
        heads=field("qwen3.attention.head_count"),
        kv_heads=field("qwen3.attention.head_count_kv"),
        head_dim=field("qwen3.attention.key_length"),
        context=field("qwen3.context_length"),
        theta=field("qwen3.rope.freq_base"),
        eps=field("qwen3.attention.layer_norm_rms_epsilon"),
    )
    model = Model(config)
    weights = {t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
    model.load_state_dict(weights)
    return model.to(dtype).eval(), field("tokenizer.ggml.tokens"), field("tokenizer.ggml.merges")


def as_arrays(state):
    return {name: np.ascontiguousarray(value.detach().float().numpy()) for name, value in state.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder with checkpoint.pt and tokenizer.json")
    parser.add_argument("--dequantize", type=Path, help="a file to read instead of the checkpoint; implies --type f32")
    parser.add_argument("--type", choices=FILE_TYPES, default="q8_0")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.dequantize:
        model, tokens, merges = read_gguf(args.dequantize)
        write_gguf(args.out, model.config, as_arrays(model.state_dict()), tokens, merges, "f32")
    else:
        saved = torch.load(args.work / "checkpoint.pt", weights_only=True)
        bpe = json.loads((args.work / "tokenizer.json").read_text(encoding="utf-8"))["model"]
        tokens = sorted(bpe["vocab"], key=bpe["vocab"].get)
        merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in bpe["merges"]]
        write_gguf(args.out, Config(**saved["config"]), as_arrays(saved["model"]), tokens, merges, args.type)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
