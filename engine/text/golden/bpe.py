"""Writes bpe.golden.json: the tokenizer that Hugging Face's own trainer makes of the corpus, and its encodings.

Run: pip install tokenizers==0.23.3 && python engine/text/golden/bpe.py
"""
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

here = Path(__file__).parent
corpus = json.loads((here / 'corpus.json').read_text('utf-8'))
special = ['<|pad|>', '<|end|>', '<|im_start|>', '<|im_end|>']

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=480,
    min_frequency=2,
    special_tokens=special,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
tokenizer.train_from_iterator(corpus['train'], trainer)
saved = json.loads(tokenizer.to_str())
golden = {
    'special': special,
    'vocab': saved['model']['vocab'],
    'merges': saved['model']['merges'],
    'encodings': {text: tokenizer.encode(text).ids for text in corpus['encode']},
}
(here / 'bpe.golden.json').write_text(json.dumps(golden, ensure_ascii=False) + '\n', 'utf-8')
