"""Roles, outputs, instructions, dimensions and fusion, as the SDK sends them."""

import json
import os

import dashscope

model = os.environ["MODEL"]


def text(**options):
    answer = dashscope.TextEmbedding.call(model=model, input="a red mug", **options)
    return answer.output["embeddings"][0]


def contents(*items, **options):
    answer = dashscope.MultiModalEmbedding.call(model=model, input=list(items), **options)
    return [row["type"] for row in answer.output["embeddings"]]


instruct = "Given a web search query, retrieve relevant passages that answer the query"
image = {"image": "data:image/png;base64,iVBORw0KGgo="}
print(
    json.dumps(
        {
            "plain": text(dimension=64)["embedding"],
            "query": text(dimension=64, text_type="query", instruct=instruct)["embedding"],
            "sparse": sorted(text(output_type="sparse")),
            "both": sorted(text(output_type="dense&sparse")),
            "dimension": len(text(dimension=2048)["embedding"]),
            "image": contents(image),
            "several": contents({"multi_images": [image["image"]] * 2}),
            "fused": contents({"text": "a red mug"}, image, enable_fusion=True),
        }
    )
)
