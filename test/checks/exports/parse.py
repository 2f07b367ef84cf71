"""Parses the recorded documents with the libraries that others use. Any warning or error is a failure. Prints JSON."""

import hashlib
import json
import logging
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import mlcroissant
from huggingface_hub import ModelCard
from openlineage.client import event_v2
from prov.model import ProvDocument

folder = Path(sys.argv[1])
told = []


class Collect(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            told.append(record.getMessage())


logging.getLogger().addHandler(Collect())
warnings.simplefilter("always")
# About how these libraries call others, not about a document.
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.showwarning = lambda message, *rest: told.append(str(message))


def text(name):
    return (folder / name).read_text()


# Croissant: the metadata, and the records of the file that it describes.
sheet = json.loads(text("croissant.json"))
sheet["distribution"][0]["contentUrl"] = "samples.jsonl"
local = Path(sys.argv[2]) / "croissant.json"
local.write_text(json.dumps(sheet))
(local.parent / "samples.jsonl").write_text(text("samples.jsonl"))
mlcroissant.Dataset(jsonld=json.loads(text("croissant.json")))
dataset = mlcroissant.Dataset(jsonld=str(local))
issues = dataset.metadata.ctx.issues
told += [str(one) for one in [*issues.errors, *issues.warnings]]
records = list(dataset.records("samples"))
lines = [json.loads(line) for line in text("samples.jsonl").splitlines()]
assert [one["samples/prompt"].decode() for one in records] == [one["prompt"] for one in lines]

# OpenLineage: each event by the client's own classes.
for event in json.loads(text("openlineage.json")):
    run = event_v2.Run(runId=event["run"]["runId"], facets={})
    job = event_v2.Job(namespace=event["job"]["namespace"], name=event["job"]["name"], facets={})
    read = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=run,
        job=job,
        inputs=[event_v2.InputDataset(one["namespace"], one["name"]) for one in event["inputs"]],
        outputs=[event_v2.OutputDataset(one["namespace"], one["name"]) for one in event["outputs"]],
    )
    assert read.run.runId == event["run"]["runId"]

# PROV: read as PROV-JSON and written as PROV-N.
document = ProvDocument.deserialize(content=text("prov.json"), format="json")
assert "wasGeneratedBy" in document.get_provn()

# The model card, as the Hugging Face hub reads it.
card = ModelCard(text("card.md"))
assert card.data.eval_results and card.data.license

names = ["card.md", "croissant.json", "openlineage.json", "prov.json", "samples.jsonl"]
libraries = ["mlcroissant", "openlineage-python", "prov", "huggingface_hub"]
print(
    json.dumps(
        {
            "libraries": {name: version(name) for name in libraries},
            "warnings": told,
            "parsed": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
        },
        indent=2,
    )
)
sys.exit(1 if told else 0)
