"""Which exception each error becomes, with its code and whether the id of the request is there."""

import json
import os
import time

import openai
from openai import OpenAI

model = os.environ["MODEL"]
cases = {
    "unknown key": ({"api_key": "sk-unknown"}, {}),
    "browser key": ({"api_key": os.environ["BROWSER_KEY"]}, {}),
    "unknown model": ({}, {"model": "text-embedding-v99"}),
    "tokens": ({}, {"input": [[1, 2], [3]]}),
    "blank": ({}, {"input": ["a red mug", ""]}),
    "dimension": ({}, {"dimensions": 4097}),
    "throttled": ({}, {"model": "throttled"}),
    "broken": ({}, {"model": "broken"}),
    "locked": ({}, {"model": "locked"}),
    "poison": ({}, {"model": "text-embedding-v3", "input": ["a mug", os.environ["POISON"]]}),
    "budget": ({"api_key": os.environ["POOR_KEY"]}, {"model": "text-embedding-v3"}),
}


def outcome(options, asked):
    started = time.monotonic()
    client = OpenAI(**{"max_retries": 0, **options})
    try:
        client.embeddings.create(**{"model": model, "input": "a red mug", **asked})
    except openai.APIStatusError as exc:
        return {
            "type": type(exc).__name__,
            "status": exc.status_code,
            "code": exc.code,
            "message": exc.message,
            "has_id": exc.request_id is not None
            and exc.request_id in json.dumps(exc.response.json()),
            "seconds": time.monotonic() - started,
        }
    return None


print(json.dumps({name: outcome(*case) for name, case in cases.items()}))
