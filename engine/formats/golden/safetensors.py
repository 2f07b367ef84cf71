"""Writes tensors.safetensors with the reference implementation.

Run: pip install safetensors==0.8.0 numpy && python engine/formats/golden/safetensors.py
"""
from pathlib import Path
import sys

sys.path = [place for place in sys.path if Path(place or '.').resolve() != Path(__file__).parent.resolve()]
import numpy as np
from safetensors.numpy import save_file

tensors = {
    'i64': np.array([[1, -2], [3, 2**40]], dtype=np.int64),
    'i32': np.array([-7], dtype=np.int32),
    'u8': np.arange(5, dtype=np.uint8),
    'bool': np.array([True, False]),
    'f16': np.array([1.5, -0.1, 6e-8], dtype=np.float16),
    'f32': np.array([[0.1], [-1e-40]], dtype=np.float32),
    'f64': np.arange(3, dtype=np.float64) / 3,
    'scalar': np.array(3.25, dtype=np.float32),
    'none': np.zeros((0, 4), dtype=np.float32),
}
save_file(tensors, Path(__file__).parent / 'tensors.safetensors', metadata={'format': 'np'})
