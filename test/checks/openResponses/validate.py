"""Reads [{whole, events}] as JSON, and checks each response and event with the types of the Open Responses specification."""

import json
import sys

import openresponses_types as types


def type_of(event):
    """response.output_text.delta -> ResponseOutputTextDeltaStreamingEvent"""
    words = event["type"].replace(".", "_").split("_")
    return "".join(word.capitalize() for word in words) + "StreamingEvent"


count, problems = 0, []
for answer in json.load(sys.stdin):
    for name, value in [("ResponseResource", answer["whole"])] + [(type_of(e), e) for e in answer["events"]]:
        count += 1
        try:
            getattr(types, name).model_validate(value)
        except Exception as error:
            problems.append(f"{name}: {error}")
print(json.dumps({"objects": count, "problems": problems}))
