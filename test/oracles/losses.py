"""Losses and gradients of TRL's own trainers, and an AdamW trajectory of PyTorch, over the checkpoints of models.py.

Run: python test/oracles/losses.py   (needs torch, transformers, trl; after models.py)

TRL's `_compute_loss` methods are called as they are, on a stand-in for the trainer that has only the settings they
read. What TRL lacks (weights, label noise) is written out from the papers.
"""

import json
import pathlib
from unittest.mock import MagicMock

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from trl import DPOTrainer, GRPOTrainer, RewardTrainer, RLOOTrainer, SFTTrainer

GOLDEN = pathlib.Path(__file__).parent / "golden"
GENERATOR = torch.Generator().manual_seed(11)


def language_model():
    return AutoModelForCausalLM.from_pretrained(GOLDEN / "llama", attn_implementation="eager").eval()


def reward_model():
    return AutoModelForSequenceClassification.from_pretrained(GOLDEN / "reward", attn_implementation="eager").eval()


def draw(low, high, *shape):
    return torch.randint(low, high, shape, generator=GENERATOR)


def noise(*shape, scale=1.0):
    return scale * torch.randn(shape, generator=GENERATOR)


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


def gradients(model, loss):
    """Every parameter's gradient by its norm and five of its elements."""
    model.zero_grad()
    loss.backward()
    kept = {}
    for name, parameter in model.named_parameters():
        flat = parameter.grad.flatten()
        places = [int(i * (len(flat) - 1) / 4) for i in range(5)]
        kept[name] = {"norm": float(flat.norm()), "places": places, "values": rounded(flat[places])}
    return {"loss": float(loss), "gradients": kept}


def batch(prompt, lengths):
    """Rows of one prompt length and completions of the given lengths, padded: ids, completion mask, attention mask."""
    longest = prompt + max(lengths)
    ids = draw(1, 48, len(lengths), longest)
    attention = (torch.arange(longest)[None] < (prompt + torch.tensor(lengths))[:, None]).long()
    mask = attention.clone()
    mask[:, :prompt] = 0
    return ids * attention, mask, attention


def rows(ids, mask, attention):
    lengths = attention.sum(1).tolist()
    return [{"ids": ids[i, :n].tolist(), "mask": mask[i, :n].tolist()} for i, n in enumerate(lengths)]


def token_log_probs(model, ids, attention):
    logits = model(ids, attention_mask=attention).logits[:, :-1]
    return logits.log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)


def trainer(**settings):
    stand_in = MagicMock()
    stand_in.model.training = False
    stand_in.aux_loss_enabled = False
    for collective in ("gather", "gather_for_metrics", "reduce"):
        setattr(stand_in.accelerator, collective, lambda tensor, **_: tensor)
    for name, value in settings.items():
        setattr(stand_in, name, value)
    return stand_in


def sft():
    model = language_model()
    ids, mask, attention = batch(4, [9, 5, 7])
    weight = torch.tensor([1.0, 0.25, 2.0])
    each = mask[:, 1:] * weight[:, None]
    loss = -(token_log_probs(model, ids, attention) * each).sum() / each.sum()
    return {"rows": rows(ids, mask, attention), "weights": weight.tolist(), **gradients(model, loss)}


def fused(input_ids, attention_mask, labels, **_):
    """The outputs of the forward pass that TRL patches into a model: log-probabilities, 0 where no label is."""

    def run(model):
        log_probs = token_log_probs(model, input_ids, attention_mask) * (labels[:, 1:] != -100)
        unused = torch.zeros_like(log_probs)
        return MagicMock(
            log_probs=log_probs,
            label_mask=labels[:, 1:] != -100,
            entropy=unused,
            mean_logits=unused,
            is_top1=unused.bool(),
        )

    return run


def sft_of_trl():
    model = language_model()
    ids, mask, attention = batch(4, [8, 6, 3])
    stand_in = trainer(compute_loss_func=None, label_smoother=None, _entropy_bonus_enabled=False)
    stand_in.args.loss_type = "nll"
    stand_in.args.average_tokens_across_devices = False
    labels = torch.where(mask == 1, ids, -100)
    inputs = {"input_ids": ids, "attention_mask": attention, "labels": labels}
    loss = SFTTrainer.compute_loss(stand_in, lambda **given: fused(**given)(model), inputs)
    return {"rows": rows(ids, mask, attention), **gradients(model, loss)}


def adamw():
    """Twenty clipped steps over every weight, on one batch."""
    model = language_model()
    ids, mask, attention = batch(2, [8, 6])
    options = {"learningRate": 3e-3, "weightDecay": 0.1, "maxGradientNorm": 0.5, "beta1": 0.9, "beta2": 0.95}
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": options["weightDecay"]},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=options["learningRate"], betas=(0.9, 0.95), eps=1e-8)
    losses, norms = [], []
    for _ in range(20):
        optimiser.zero_grad()
        loss = -(token_log_probs(model, ids, attention) * mask[:, 1:]).sum() / mask[:, 1:].sum()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), options["maxGradientNorm"])))
        optimiser.step()
        losses.append(float(loss))
    weights = {name: rounded(p.flatten()[:4]) for name, p in model.named_parameters()}
    return {"rows": rows(ids, mask, attention), "options": options, "losses": losses, "norms": norms, "weights": weights}


def dpo(loss_type, beta):
    model = language_model()
    ids, mask, attention = batch(3, [6, 4, 8, 5])  # two chosen, then two rejected
    reference = (token_log_probs(model, ids, attention) * mask[:, 1:]).sum(1).detach() + noise(4, scale=2.0)

    stand_in = trainer(
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=[loss_type],
        loss_weights=[1.0],
        beta=beta,
        use_weighting=False,
        label_smoothing=0.0,
    )
    stand_in.accelerator.device = "cpu"
    inputs = {
        "input_ids": ids,
        "attention_mask": attention,
        "completion_mask": mask,
        "ref_chosen_logps": reference[:2],
        "ref_rejected_logps": reference[2:],
    }
    loss = DPOTrainer._compute_loss(stand_in, lambda **given: fused(**given)(model), inputs, False)
    return {"rows": rows(ids, mask, attention), "reference": rounded(reference), "beta": beta, **gradients(model, loss)}


def cdpo():
    """Mitchell's conservative DPO with a separate noise and weight for each pair."""
    model = language_model()
    ids, mask, attention = batch(3, [5, 7, 6, 4])
    reference = (token_log_probs(model, ids, attention) * mask[:, 1:]).sum(1).detach() + noise(4, scale=2.0)
    epsilon, weight, beta = torch.tensor([0.1, 0.3]), torch.tensor([0.5, 1.5]), 0.2
    gain = (token_log_probs(model, ids, attention) * mask[:, 1:]).sum(1) - reference
    z = beta * (gain[:2] - gain[2:])
    each = -(1 - epsilon) * F.logsigmoid(z) - epsilon * F.logsigmoid(-z)
    loss = (each * weight).sum() / weight.sum()
    return {
        "rows": rows(ids, mask, attention),
        "reference": rounded(reference),
        "beta": beta,
        "noise": rounded(epsilon),
        "weights": rounded(weight),
        **gradients(model, loss),
    }


def reward():
    model = reward_model()
    ids, _, attention = batch(2, [6, 4, 5, 7])
    margin = torch.tensor([0.5, 0.0])
    stand_in = trainer()
    stand_in.args.center_rewards_coefficient = 0.05
    loss = RewardTrainer.compute_loss(
        stand_in, model, {"input_ids": ids, "attention_mask": attention, "margin": margin}
    )
    return {
        "rows": rows(ids, attention, attention),
        "margin": rounded(margin),
        "centring": 0.05,
        **gradients(model, loss),
    }


def policy(kind, beta):
    model = language_model()
    prompt = 3
    ids, mask, attention = batch(prompt, [7, 4, 6, 5])
    now = token_log_probs(model, ids, attention).detach()
    old, reference = now + noise(*now.shape, scale=0.3), now + noise(*now.shape, scale=0.3)
    rewards = torch.tensor([1.0, 0.0, 0.5, 0.25])
    inputs = {
        "prompt_ids": ids[:, :prompt],
        "prompt_mask": attention[:, :prompt],
        "completion_ids": ids[:, prompt:],
        "completion_mask": mask[:, prompt:],
        "old_per_token_logps": old[:, prompt - 1 :],
        "ref_per_token_logps": reference[:, prompt - 1 :],
        "old_logps": (old * mask[:, 1:]).sum(1),
    }
    others = (rewards.sum() - rewards) / 3
    inputs["advantages"] = rewards - others if kind == "rloo" else (rewards - rewards.mean()) / (rewards.std() + 1e-4)
    stand_in = trainer(
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level="token",
        beta=beta,
        loss_type=kind,
        epsilon_low=0.2,
        epsilon_high=0.28,
        use_vllm=False,
    )
    stand_in.args.delta = None
    stand_in.args.use_bias_correction_kl = False
    stand_in._entropy_bonus_enabled = False
    stand_in.use_adaptive_entropy = False
    log_probs = token_log_probs(model, ids, attention)[:, prompt - 1 :]
    stand_in._get_per_token_logps_and_entropies.return_value = (log_probs, torch.zeros_like(log_probs), None)
    trainer_class = RLOOTrainer if kind == "rloo" else GRPOTrainer
    loss = trainer_class._compute_loss(stand_in, model, inputs)
    return {
        "rows": rows(ids, mask, attention),
        "old": [rounded(old[i, : int(attention[i].sum()) - 1]) for i in range(4)],
        "reference": [rounded(reference[i, : int(attention[i].sum()) - 1]) for i in range(4)],
        "rewards": rounded(rewards),
        "advantages": rounded(inputs["advantages"]),
        "beta": beta,
        **gradients(model, loss),
    }


def main():
    golden = {
        "sft": sft(),
        "adamw": adamw(),
        "dpo": dpo("sigmoid", 0.3),
        "ipo": dpo("ipo", 0.4),
        "cdpo": cdpo(),
        "reward": reward(),
        "grpo sequences": policy("grpo", 0.1),
        "grpo tokens": policy("bnpo", 0.1),
        "rloo": policy("rloo", 0.0),
        "sft of trl": sft_of_trl(),
    }
    (GOLDEN / "losses.golden.json").write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
