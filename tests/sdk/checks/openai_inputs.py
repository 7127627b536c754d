"""Files in text and in binary mode, many rows, and the async client."""

import asyncio
import json
import os
from pathlib import Path

from openai import AsyncOpenAI, BadRequestError, OpenAI

model = os.environ["MODEL"]
client = OpenAI()


def lines() -> int:
    with Path("texts_to_embedding.txt").open(encoding="utf-8") as file:
        return len(client.embeddings.create(model=model, input=file).data)


def bytes_of_lines() -> str:
    with Path("texts_to_embedding.txt").open("rb") as file:
        try:
            client.embeddings.create(model=model, input=file)
        except BadRequestError as exc:
            return exc.message
    return ""


async def at_once() -> list[float]:
    async with AsyncOpenAI() as asking:
        answers = await asyncio.gather(
            *(asking.embeddings.create(model=model, input=f"mug {n}") for n in range(8))
        )
    return [len(answer.data[0].embedding) for answer in answers]


raw = client.embeddings.with_raw_response.create(model=model, input="a red mug", user="u1")

print(
    json.dumps(
        {
            "lines": lines(),
            "bytes": bytes_of_lines(),
            "async": asyncio.run(at_once()),
            "request_id": raw.headers["x-request-id"],
        }
    )
)
