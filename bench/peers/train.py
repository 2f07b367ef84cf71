"""LoRA training with PyTorch and PEFT, a turn of steps at a time: reads a batch, then step counts, from stdin."""

import json
import resource
import sys
import time

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

folder, mode, device, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
torch.set_num_threads(threads)
task = json.loads(sys.stdin.readline())
rows = torch.tensor(task["rows"], device=device)
model = AutoModelForCausalLM.from_pretrained(f"{folder}/model", dtype=torch.float32).to(device)
model = PeftModel.from_pretrained(model, f"{folder}/adapter", is_trainable=True)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimiser = torch.optim.AdamW(trained, lr=task["learningRate"], weight_decay=0.0)
run = torch.compile(model) if mode == "compiled" else model


def step():
    optimiser.zero_grad()
    logits = run(input_ids=rows[:, :-1], use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimiser.step()
    return float(loss)


print("ready", flush=True)
for line in sys.stdin:
    seconds, losses = [], []
    for _ in range(int(line)):
        begin = time.perf_counter()
        losses.append(step())
        seconds.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps({"seconds": seconds, "losses": losses, "peakMiB": peak}), flush=True)
