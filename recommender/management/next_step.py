"""What somebody who sets a catalog up does next: the command, ready to be pasted."""

from shlex import quote

from recommender.models import Catalog, Event, Product, Space
from recommender.spaces import switching
from recommender.training import runs


def next_step(catalog: Catalog) -> str:
    """The next sensible command, by what the catalog has of products, vectors, events, training."""
    name = quote(catalog.name)
    if not Product.objects.filter(catalog=catalog, deleted_at=None).exists():
        return f"Next: ./kinship import_products FILE --catalog {name}"
    if _lacks_vectors(catalog):
        return f"Next: ./kinship embed --catalog {name} --wait"
    if not Event.objects.filter(catalog=catalog).exists():
        return f"Next: ./kinship import_events FILE --catalog {name}"
    if catalog in runs.due():
        return f"Next: ./kinship train --catalog {name} --wait"
    return (
        f"Next: ./kinship recommend --catalog {name} --users all --out recommendations.jsonl\n"
        f"      ./kinship evaluate --catalog {name}      how good the lists are\n"
        f"      ./kinship create_api_key {name} --scope server      for lists over REST"
    )


def _lacks_vectors(catalog: Catalog) -> bool:
    """Whether products are to be embedded; what behaviour spaces lack comes from training."""
    return any(
        backlog.products
        for backlog in switching.backlogs(catalog)
        if backlog.space.kind != Space.Kind.BEHAVIOUR
    )
