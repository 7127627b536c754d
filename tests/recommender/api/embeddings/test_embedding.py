import threading
import time

from django.db import connection

from recommender.providers.config import ModelsConfig
from tests.recommender.api.embeddings.client import PNG, answer, error
from tests.stub import Behaviour, Stub


def test_a_slow_provider_holds_one_request_and_no_other(embed, settings, transactional_db):
    with Stub(Behaviour(latency=4.0)) as stub:
        entry = {
            "provider": "dashscope",
            "base_url": stub.native_url,
            "dimension": 64,
            "dimensions": [64, 128],
        }
        settings.MODELS = ModelsConfig(
            {"slow": entry | {"max_tokens": 100}}, {"DASHSCOPE_API_KEY": "key"}
        )

        def ask() -> None:
            answer(embed.text("a mug", model="slow"))
            connection.close()

        first = threading.Thread(target=ask)
        first.start()
        while not stub.record.requests:
            time.sleep(0.01)
        began = time.monotonic()
        response = embed.text("a lamp", model="slow")
        assert error(response, 429)[0] == "Throttling.RateQuota"
        response = embed.multimodal({"image": PNG})
        assert error(response, 429)[0] == "Throttling.RateQuota", "pictures are decoded in a place"
        assert time.monotonic() - began < 2
        answer(embed.text("a lamp", model="wordllama-256"))
        first.join()
