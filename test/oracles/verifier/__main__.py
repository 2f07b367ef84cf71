"""python3 -m verifier FOLDER: recomputes the reward maps that are published on the chain in FOLDER.

FOLDER holds `chain.json`, `logs.jsonl` and `artifacts/`, as test/oracles/README.md describes. Exit codes: 0 all maps are right, 1 one is
wrong, 2 an artifact is missing so that nothing can be said. `--json` prints the computed maps, one a line, and what is wrong with the published ones.
"""

import json
import sys
import threading
from pathlib import Path

from .artifacts import Artifacts, Missing
from .chain import Chain
from .documents import PAGE_ENTRIES
from .epoch import Verifier

RIGHT, WRONG, UNKNOWN = 0, 1, 2


def open_folder(folder):
    folder = Path(folder)
    chain = json.loads((folder / "chain.json").read_text())
    logs = [json.loads(line) for line in (folder / "logs.jsonl").read_text().splitlines()]
    return Verifier(Chain(chain, logs), Artifacts(folder / "artifacts"), chain.get("pageEntries", PAGE_ENTRIES))


def check(verifier, as_json):
    verdict = RIGHT
    for epoch in verifier.published_epochs():
        try:
            computed, difference = verifier.check(epoch)
        except Missing as missing:
            computed, difference, verdict = None, f"artifact {missing} cannot be read", UNKNOWN
        else:
            verdict = max(verdict, WRONG if difference else RIGHT)
        if as_json:
            print(json.dumps({"epoch": epoch, "map": computed, "difference": difference}))
        else:
            print(f"Epoch {epoch}: {difference or 'right'}")
    return verdict


def main():
    folders = [argument for argument in sys.argv[1:] if argument != "--json"]
    if len(folders) != 1 or folders[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        sys.exit(0 if "--help" in folders else UNKNOWN)
    exit_codes = []
    # Documents may be nested deeper than Python's usual stack: other members than those of step 2 do not matter.
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(512 << 20)
    worker = threading.Thread(target=lambda: exit_codes.append(check(open_folder(folders[0]), "--json" in sys.argv)))
    worker.start()
    worker.join()
    sys.exit(exit_codes[0] if exit_codes else 3)


main()
