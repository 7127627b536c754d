"""What a request that decides on proposed categories may say."""

from typing import Annotated

from pydantic import Field

from recommender.api.fields import Id
from recommender.api.schemas import Strict
from recommender.insight import decisions

_MOST_IDS = 1_000

_Ids = Annotated[list[Id], Field(max_length=_MOST_IDS)]


class DecisionsIn(Strict):
    """Which of the categories that a run proposes are right: at least one member."""

    accept: Annotated[_Ids, Field(description="Ids of products that belong there.")] = []
    refuse: Annotated[_Ids, Field(description="Ids of products that do not.")] = []
    accept_from: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Accept all whose `score` is at least this and that are in no list, up to "
            f"{decisions.MOST:,}.",
        ),
    ] = None
