"""Vectors that were paid for, so that none is paid for twice."""

from django.db import models


class CachedEmbedding(models.Model):
    """What a hosted model gave for one input.

    `digest` is over model, dimension, output, role, instruction and the input's content; no
    catalogue is in it. `vector` is float32, little-endian; `sparse` is JSON of indices, values
    and tokens.
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    model = models.TextField()
    vector = models.BinaryField(null=True)
    sparse = models.BinaryField(null=True)
    tokens = models.PositiveIntegerField()
    used_on = models.DateField(db_index=True)

    def __str__(self) -> str:
        return f"{self.model} {bytes(self.digest).hex()[:12]}"
