"""The same vectors as numbers, as base64, and as the SDK asks by itself."""

import json
import os

from openai import OpenAI

client = OpenAI()
asked = {"model": os.environ["MODEL"], "input": ["a red mug", "风急天高"], "dimensions": 64}
answers = {
    "default": client.embeddings.create(**asked),
    "float": client.embeddings.create(**asked, encoding_format="float"),
    "base64": client.embeddings.create(**asked, encoding_format="base64"),
}
print(
    json.dumps({name: [row.embedding for row in answer.data] for name, answer in answers.items()})
)
