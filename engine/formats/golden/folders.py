"""Writes an adapter as PEFT saves it, a model in shards as transformers saves it, and their values as JSON.

Run: pip install torch transformers==5.* peft && python engine/formats/golden/folders.py
"""
import json
from pathlib import Path
import shutil
import sys

sys.path = [place for place in sys.path if Path(place or '.').resolve() != Path(__file__).parent.resolve()]
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForSequenceClassification

here = Path(__file__).parent
torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=6,
    hidden_size=4,
    intermediate_size=6,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    num_labels=1,
)
model = LlamaForSequenceClassification(config).to(torch.bfloat16)
shutil.rmtree(here / 'model', ignore_errors=True)
model.save_pretrained(here / 'model', max_shard_size=200)
values = {'model': {name: tensor.float().flatten().tolist() for name, tensor in model.state_dict().items()}}

adapter = get_peft_model(
    LlamaForSequenceClassification(config),
    LoraConfig(r=2, lora_alpha=8, use_rslora=True, target_modules=['q_proj', 'down_proj'], task_type='SEQ_CLS', init_lora_weights=False),
)
shutil.rmtree(here / 'adapter', ignore_errors=True)
adapter.save_pretrained(here / 'adapter')
(here / 'adapter' / 'README.md').unlink()
values['adapter'] = {
    name.replace('.default', '').replace('base_model.model.', '').replace('modules_to_save.', ''): tensor.flatten().tolist()
    for name, tensor in adapter.state_dict().items()
    if 'lora_' in name or 'modules_to_save.default' in name
}
(here / 'folders.golden.json').write_text(json.dumps(values) + '\n')
