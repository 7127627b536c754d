"""The numbers that decide how many candidates there are and how sources see them."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateConfig:
    """How candidates are looked for.

    A list of a source holds `proposals` candidates at least, and `proposals_a_place` for each
    place of a long list.
    """

    proposals: int = 100
    proposals_a_place: int = 2
    # Fusion keeps so many candidates for each proposal of one list; None keeps all.
    kept_a_proposal: float | None = None
    # A vector search returns so many at least, and so many for each place of a long list: the
    # further it walks through an index, the longer it takes.
    searched: int = 30
    searched_a_place: float = 1.5
    # The sums over neighbours that propose (`item_neighbours.py`); the others only score.
    neighbour_sums: tuple[str, ...] = ("all", "recent", "last", "latest")
    # The windows of popularity that propose; the others only score.
    windows: tuple[str, ...] = ("week", "month", "all")
    categories: int = 3
    proposals_in_category: int = 30
    # How many of the user's latest products may be listed again.
    own_listed: int = 100

    def proposals_for(self, count: int) -> int:
        """How many candidates a list of a source holds for an answer of this length."""
        return max(self.proposals, self.proposals_a_place * count)

    def kept_for(self, count: int) -> int | None:
        """How many candidates fusion keeps; None for all."""
        if self.kept_a_proposal is None:
            return None
        return int(self.kept_a_proposal * self.proposals_for(count))

    def searched_for(self, count: int) -> int:
        """How many candidates a vector search returns for an answer of this length."""
        return max(self.searched, int(self.searched_a_place * count))


# In memory all candidates are scored at once, so that more of them cost little.
BATCH = CandidateConfig()
# Live, each candidate costs look-ups in PostgreSQL: of all that is proposed, what most lists
# propose is kept (decision 19).
LIVE = CandidateConfig(
    proposals=60, proposals_a_place=3, kept_a_proposal=2.5, neighbour_sums=("all", "latest")
)
# Around given products: what is popular goes with everything, and so proposes nothing.
RELATED = replace(LIVE, windows=(), categories=0, neighbour_sums=("all",))
# All neighbours that are stored are looked at: of few that are bought together a filter may leave
# only the last.
BOUGHT = replace(RELATED, proposals=200, kept_a_proposal=None)

# Of the user's latest products, so many say what the taste is and have their neighbours summed.
OWN_PRODUCTS = 250
# Those of so many latest moments say what comes next, and of them so many at most.
MOMENTS = 3
MOMENT_PRODUCTS = 50
# The heaviest interests of a profile; lighter ones say little and cost a search each.
INTERESTS = 3
# Similarity to a power: near neighbours count, the long tail of so-so ones does not.
SHARPNESS = 4
# The same where likeness to what was turned down is told: a thing of the same kind is to count.
REFUSAL_SHARPNESS = 2
# How far what is near to what the user turned down is pushed away.
PUSH = 0.5
# An explanation names so many of the user's own products.
ATTRIBUTED = 3
