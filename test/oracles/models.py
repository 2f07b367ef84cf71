"""Tiny random checkpoints saved by transformers and PEFT, with the logits these libraries give for them.

Run: python test/oracles/models.py   (needs torch, transformers, peft; see README.md)
"""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

GOLDEN = pathlib.Path(__file__).parent / "golden"
COMMON = dict(
    vocab_size=48,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    initializer_range=0.3,
)
LLAMA3 = dict(
    rope_type="llama3",
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=16,
)
MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig(**COMMON, tie_word_embeddings=False, rms_norm_eps=1e-5)),
    "llama3-tied": (LlamaForCausalLM, LlamaConfig(**COMMON, tie_word_embeddings=True, rope_scaling=LLAMA3)),
    "linear-biased": (
        LlamaForCausalLM,
        LlamaConfig(
            **COMMON, head_dim=6, attention_bias=True, mlp_bias=True, rope_scaling=dict(rope_type="linear", factor=2.0)
        ),
    ),
    "mistral": (MistralForCausalLM, MistralConfig(**COMMON, sliding_window=5)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**COMMON, tie_word_embeddings=True, rope_theta=1000.0)),
    "qwen2-sliding": (
        Qwen2ForCausalLM,
        Qwen2Config(**COMMON, use_sliding_window=True, sliding_window=4, max_window_layers=1),
    ),
    "reward": (LlamaForSequenceClassification, LlamaConfig(**COMMON, num_labels=1, pad_token_id=0)),
}


def randomise(model, generator):
    """Norms of 1 and biases of 0 would hide mistakes."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.copy_(1 + 0.3 * torch.randn(parameter.shape, generator=generator))
            elif name.endswith("bias"):
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))


def save(name, model, ids, extra):
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "expected.golden.json").write_text(json.dumps({"ids": ids.tolist(), **extra}))
    return folder


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.flatten().tolist()]


def main():
    for seed, (name, (kind, config)) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        model = kind._from_config(config, attn_implementation="eager").eval()
        randomise(model, generator)
        ids = torch.randint(1, config.vocab_size, (2, 20), generator=generator)
        with torch.no_grad():
            if name == "reward":
                ids[1, 13:] = config.pad_token_id
                save(name, model, ids, {"lengths": [20, 13], "scores": rounded(model(ids, attention_mask=(ids != 0).long()).logits)})
                continue
            logits = model(ids).logits
            greedy = model.generate(
                ids[:, :6], attention_mask=torch.ones(2, 6, dtype=torch.long), max_new_tokens=14, do_sample=False,
                eos_token_id=None, pad_token_id=0,
            )[:, 6:]
            folder = save(name, model, ids, {"logits": rounded(logits[:, ::3]), "every": 3, "greedy": greedy.tolist()})
        if name == "llama":
            save_adapter(folder, model, ids, generator)


def save_adapter(folder, model, ids, generator):
    lora = LoraConfig(r=3, lora_alpha=7, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    adapted = get_peft_model(model, lora).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        logits = adapted(ids).logits
    adapted.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    expected = {"ids": ids.tolist(), "logits": rounded(logits[:, ::3]), "every": 3}
    (folder / "adapter" / "expected.golden.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
