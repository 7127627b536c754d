"""The code and the message of each error, and whether the id of the request is there."""

import json
import os

import dashscope

model = os.environ["MODEL"]
cases = {
    "unknown key": {"api_key": "sk-unknown"},
    "browser key": {"api_key": os.environ["BROWSER_KEY"]},
    "unknown model": {"model": "text-embedding-v99"},
    "no rows": {"input": []},
    "blank": {"input": ["a red mug", ""]},
    "numbers": {"input": [[1, 2], [3]]},
    "rows": {"input": ["mug"] * 513},
    "dimension": {"dimension": 4097},
    "throttled": {"model": "throttled"},
    "broken": {"model": "broken"},
    "locked": {"model": "locked"},
    "poison": {"model": "text-embedding-v3", "input": ["a lamp", os.environ["POISON"]]},
    "budget": {"model": "text-embedding-v3", "api_key": os.environ["POOR_KEY"]},
}


def outcome(asked):
    answer = dashscope.TextEmbedding.call(**{"model": model, "input": "a red mug", **asked})
    return {
        "status": answer.status_code,
        "code": answer.code,
        "message": answer.message,
        "has_id": bool(answer.request_id),
    }


print(json.dumps({name: outcome(asked) for name, asked in cases.items()}))
