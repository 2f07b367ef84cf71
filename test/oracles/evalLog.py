"""Writes what the reader of Inspect finds in one of our logs to golden/evalLog.golden.json."""

import json
import subprocess
import tempfile
from pathlib import Path

from inspect_ai.log import read_eval_log

here = Path(__file__).parent
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "log.json"
    subprocess.run(["node", "--import", "tsx", str(here / "evalLog.ts"), str(path)], check=True)
    log = read_eval_log(str(path))

found = {
    "version": log.version,
    "status": log.status,
    "task": log.eval.task,
    "model": log.eval.model,
    "metrics": {s.name: {k: m.value for k, m in s.metrics.items()} for s in log.results.scores},
    "samples": [
        {
            "id": s.id,
            "completion": s.output.completion,
            "stop": s.output.stop_reason,
            "target": s.target,
            "scores": {k: v.value for k, v in s.scores.items()},
            "tokens": s.output.usage.total_tokens,
        }
        for s in log.samples
    ],
    "total_tokens": log.stats.model_usage[log.eval.model].total_tokens,
}
(here / "golden" / "evalLog.golden.json").write_text(json.dumps(found, indent=2) + "\n")
