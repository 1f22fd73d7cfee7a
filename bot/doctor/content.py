"""What answers are made of: the service list, places, model, index and encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.doctor.finding import Finding, Here, bad, ok, warning
from bot.processes import model_file
from bot.training import is_stale
from knowledge.encoder import SentenceEncoder
from knowledge.errors import EncoderUnavailable, IndexUnusable, KnowledgeError, ServiceListError
from knowledge.expiry import is_expired
from knowledge.index import PassageIndex
from knowledge.passages import passages
from knowledge.places_store import load_places
from knowledge.schema import Service
from knowledge.store import load, overdue

_SHOWN = 5


def service_list(here: Here) -> Iterable[Finding]:
    """Read the list, and look for what is too old."""
    try:
        services = load(here.knowledge.services)
    except ServiceListError as error:
        yield bad(
            "service list", f"it cannot be used: {str(error).splitlines()[0]}", "advisor services check lists all"
        )
        return
    yield ok("service list", f"{len(services)} entries, version {services.version}")
    today = here.clock().date()
    expired = [service for service in services if is_expired(service, today)]
    if expired:
        yield warning(
            "entries past their last day",
            f"{_few(expired)}: their figures are not shown any more",
            "enter the new figures and valid_to: advisor services due",
        )
    late = overdue(services, today)
    if late:
        yield warning("entries to be reviewed", f"{_few(late)} are past review_by", "see: advisor services due")
    if not expired and not late:
        yield ok("age of the entries", "none is past its day")


def places(here: Here) -> Iterable[Finding]:
    """Look whether places can be found at all, and are real."""
    try:
        book = load_places(here.knowledge.places_file)
    except KnowledgeError as error:
        yield bad("places", f"they cannot be read: {error}", "import them anew: advisor places import FILE")
        return
    samples = sum(place.sample for place in book.places)
    if not len(book):
        yield warning("places", "there are none, so nothing nearby can be found", "run: advisor places import FILE")
    elif samples and here.settings.public:
        yield bad(
            "places",
            f"{samples} samples (示例) are shown to the public",
            "import real ones: advisor places import FILE",
        )
    else:
        yield ok("places", f"{len(book)}")


def dialogue_model(here: Here) -> Iterable[Finding]:
    """Look whether the model is there, and of the data as they are."""
    if not model_file(here.settings).exists():
        yield bad("dialogue model", "there is none", "run: make train (about seven minutes)")
    elif is_stale(here.settings):
        yield bad("dialogue model", "it is older than what it is made from", "run: make train (about seven minutes)")
    else:
        yield ok("dialogue model")


def index(here: Here) -> Iterable[Finding]:
    """Look whether the saved index is whole and of the list as it is."""
    try:
        found = PassageIndex.load(here.knowledge.index_folder, here.knowledge.encoder)
        listed = list(passages(load(here.knowledge.services)))
    except IndexUnusable as error:
        yield warning("index", str(error), "it is built anew at the next start; or now: advisor services build")
        return
    except ServiceListError:
        return  # said above
    if found.is_of(listed):
        yield ok("index", f"{len(listed)} passages")
    else:
        yield warning("index", "it is of another version of the list", "the next start brings it up to date")


def encoder(here: Here) -> Iterable[Finding]:
    """Load the encoder, as the advisor server does."""
    try:
        SentenceEncoder(here.knowledge.encoder)
    except EncoderUnavailable as error:
        yield bad("sentence encoder", str(error), "until then search goes by words alone")
    else:
        yield ok("sentence encoder", here.knowledge.encoder)


def _few(services: Sequence[Service]) -> str:
    names = ", ".join(service.id for service in services[:_SHOWN])
    return names + (f" and {len(services) - _SHOWN} more" if len(services) > _SHOWN else "")


CHECKS = (service_list, places, dialogue_model, index, encoder)
