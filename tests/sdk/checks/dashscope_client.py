"""The client of the current SDK, beside the functions of the older one."""

import json
import os

import dashscope

model = os.environ["MODEL"]
client = dashscope.Client(max_retries=0)
answer = client.embeddings.create(
    model=model, input=["a red mug", "a lamp"], dimension=64, output_type="dense&sparse"
)
fused = client.multimodal.embeddings.create(
    model=model, input=[{"text": "a red mug"}, {"image": "https://shop.example/mug.png"}]
)


def failure(**asked):
    try:
        dashscope.Client(max_retries=0, **asked).embeddings.create(model="v99", input="a red mug")
    except dashscope.v2.errors.DashScopeError as exc:
        return [type(exc).__name__, exc.status_code, exc.code, bool(exc.request_id)]
    return None


print(
    json.dumps(
        {
            "indices": [row.index for row in answer.embeddings],
            "dimensions": [len(row.embedding) for row in answer.embeddings],
            "tokens": answer.usage.total_tokens,
            "types": [row.type for row in fused.embeddings],
            "unknown model": failure(),
            "unknown key": failure(api_key="sk-unknown"),
        }
    )
)
