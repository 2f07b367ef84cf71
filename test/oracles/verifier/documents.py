"""Step 2: which documents count, and what they state."""

import json
import re

MAX_INTEGER = 2**53 - 1


def _text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def INTEGER(value):
    return type(value) is int


def COUNT(value):
    return INTEGER(value) and value >= 0


def ANYTHING(value):
    return True


def STRING(value):
    return isinstance(value, str)


def _or_null(form):
    return lambda value: value is None or form(value)


ID = WEI = _text("[0-9]{1,78}")
DECIMAL = _text("[0-9]{1,400}")
ACCOUNT = _text("0x[0-9a-f]{40}")
HASH = _text("0x[0-9a-f]{64}")

MANIFEST = {"evidence": [HASH], "weights": [{"contributionId": ID, "weight": WEI}]}

MAX_DOCUMENT_BYTES = 500_000_000
MAX_DOCUMENT_VALUES = 2**24
MAX_USAGE_BYTES = 2**24
MAX_ALL_USAGE_BYTES = 2**26
MAX_USAGE_DOCUMENTS = 1_000

USAGE = {"epoch": INTEGER, "receipts": [ANYTHING]}

RECEIPT = {
    "id": _text("[!-~]{1,200}"),
    "endpointId": ID,
    "versionId": ID,
    "channelId": HASH,
    "consumer": ACCOUNT,
    "prompt": STRING,
    "answer": STRING,
    "tokensIn": COUNT,
    "tokensOut": COUNT,
    "fee": WEI,
    "cumulative": WEI,
    "signature": STRING,
    "attribution": [{"contributionId": ID, "mass": COUNT}],
}


def _bundled(value):
    """A usage document with its signature, or, as in maps of earlier releases, its name alone."""
    return HASH(value) or has_form(value, {"document": HASH, "signature": STRING})


def _usage(value):
    return isinstance(value, list) and len(value) <= MAX_USAGE_DOCUMENTS and all(map(_bundled, value))


def signed_usage(entry):
    """An entry of a map's `usage`; of a name alone, the signature is empty."""
    document, signature = (entry, "") if isinstance(entry, str) else (entry["document"], entry["signature"])
    return {"document": document, "signature": signature}


PAGE_ENTRIES = 65_536
MAX_PAGES = 65_536

LISTS = {
    "leaves": [{"account": ACCOUNT, "cumulative": WEI}],
    "carried": [{"versionId": ID, "pot": _text("owner|stakers|answers|data|validators|host|rest"), "amount": WEI}],
    "debts": [{"account": ACCOUNT, "amount": WEI, "to": _or_null(ACCOUNT), "reason": _text("[ -~]{0,200}")}],
    "lines": [
        {
            "account": ACCOUNT,
            "role": STRING,
            "versionId": _or_null(ID),
            "source": {"kind": STRING, "id": STRING},
            "amount": _text("-?[0-9]{1,78}"),
            "pot": WEI,
            "weight": DECIMAL,
            "whole": DECIMAL,
        }
    ],
}


def _list(name):
    """A list in its place, or the names of its pages."""
    return lambda value: has_form(value, LISTS[name]) or (has_form(value, {"pages": [HASH]}) and len(value["pages"]) <= MAX_PAGES)


REWARD_MAP = {
    "epoch": INTEGER,
    "chainId": INTEGER,
    "distributor": ACCOUNT,
    "fromBlock": INTEGER,
    "toBlock": INTEGER,
    "blockHash": HASH,
    "root": HASH,
    "total": WEI,
    **{name: _list(name) for name in LISTS},
    "usage": _usage,
    "absent": [HASH],
    "codeHash": HASH,
}


def has_form(value, form):
    """Whether `value` has the members of `form`, each in its form."""
    if isinstance(form, dict):
        return isinstance(value, dict) and all(name in value and has_form(value[name], form[name]) for name in form)
    if isinstance(form, list):
        return isinstance(value, list) and all(has_form(item, form[0]) for item in value)
    return form(value)


def _number(text):
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value


def _no_json(text):
    raise ValueError(f"{text} is not JSON")


def read_document(data, form):
    """The document in the bytes `data`; None when it states nothing in `form`."""
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_DOCUMENT_VALUES:
        return None
    try:
        document = json.loads(data.decode("utf-8"), parse_int=_number, parse_float=_number, parse_constant=_no_json)
    except ValueError:
        return None
    return document if has_form(document, form) else None
