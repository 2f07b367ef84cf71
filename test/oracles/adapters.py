"""The logits and scores that PEFT gives with the adapters that our engine wrote.

Run: python test/oracles/adapters.py   (needs torch, transformers, peft; after ourAdapters.ts, see README.md)
"""

import json
import pathlib

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

GOLDEN = pathlib.Path(__file__).parent / "golden"


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.flatten().tolist()]


def main():
    for name, kind in {"llama": AutoModelForCausalLM, "reward": AutoModelForSequenceClassification}.items():
        base = kind.from_pretrained(GOLDEN / name, attn_implementation="eager")
        model = PeftModel.from_pretrained(base, GOLDEN / name / "ours").eval()
        given = json.loads((GOLDEN / name / "expected.golden.json").read_text())
        ids = torch.tensor(given["ids"])
        with torch.no_grad():
            if name == "reward":
                found = {"scores": rounded(model(ids, attention_mask=(ids != 0).long()).logits)}
            else:
                found = {"logits": rounded(model(ids).logits)}
        (GOLDEN / f"{name}.ours.golden.json").write_text(json.dumps({"ids": given["ids"], **found}))


if __name__ == "__main__":
    main()
