"""The Reply: what every channel draws. Section 7 of the design.

A reply says what happened (``outcome``), shows blocks, and carries the text for the ear.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_CHOICES = 3


class Outcome(StrEnum):
    """How a turn ended. The prefix is the family that statistics count."""

    ANSWERED_SERVICE = "answered_service"
    ANSWERED_REFERRAL = "answered_referral"
    ANSWERED_SEVERAL = "answered_several"
    ANSWERED_CONVERSATION = "answered_conversation"
    ANSWERED_FINDER = "answered_finder"
    ANSWERED_COMPARISON = "answered_comparison"
    ANSWERED_PLACES = "answered_places"
    ANSWERED_BOOKING = "answered_booking"
    ANSWERED_RECORD = "answered_record"  # the person gets a file of what is kept
    ANSWERED_ERASURE = "answered_erasure"  # what is kept of the conversation goes, once this is said
    NOTICE = "notice"  # written unasked
    ASKED_SLOT = "asked_slot"
    ASKED_WHICH_SERVICE = "asked_which_service"
    ASKED_WHAT_ABOUT = "asked_what_about"
    ASKED_DID_YOU_MEAN = "asked_did_you_mean"
    UNANSWERED_UNKNOWN = "unanswered_unknown"
    UNANSWERED_FIELD = "unanswered_field"
    UNANSWERED_OUT_OF_SCOPE = "unanswered_out_of_scope"
    GUARDED_EMERGENCY = "guarded_emergency"
    GUARDED_MEDICAL = "guarded_medical"
    GUARDED_ABUSE = "guarded_abuse"
    GUARDED_SCAM = "guarded_scam"
    GUARDED_WELLBEING = "guarded_wellbeing"
    GUARDED_OTHERS_DATA = "guarded_others_data"
    HANDED_OFF_REQUESTED = "handed_off_requested"
    HANDED_OFF_MISSES = "handed_off_misses"
    HANDED_OFF_CALL_BACK = "handed_off_call_back"  # the number to ring is noted
    HANDED_OFF_HELD = "handed_off_held"  # a clerk has the conversation: the bot says nothing
    ERROR_DIALOGUE_DOWN = "error_dialogue_down"
    ERROR_EMPTY_MESSAGE = "error_empty_message"
    ERROR_SYSTEM = "error_system"
    ERROR_BUSY = "error_busy"  # too many ask at once; it was not looked at


class Act(BaseModel):
    """What a button does when it is pressed: an intent and what it is about."""

    model_config = ConfigDict(frozen=True)

    intent: str
    service_id: str | None = None
    slot: str | None = None  # of an open form, and the value the button gives it
    value: str | None = None


class Button(BaseModel):
    """A choice to tap. The gateway replaces ``act`` by an opaque ``token``."""

    title: str
    act: Act | None = None
    token: str | None = None


class ContactLine(BaseModel):
    """A name and a number to ring."""

    name: str
    phone: str


class SourceLine(BaseModel):
    """Where an answer was read; ``url`` only when it is safe to open."""

    model_config = ConfigDict(frozen=True)

    title: str
    url: str | None = None
    as_of: str | None = None  # as shown: 2016年4月


class TextBlock(BaseModel):
    """Plain sentences."""

    kind: Literal["text"] = "text"
    text: str
    points: list[str] = []
    contact: list[ContactLine] = []
    buttons: list[Button] = []


class AnswerBlock(BaseModel):
    """One aspect of one service."""

    kind: Literal["answer"] = "answer"
    service_id: str
    aspect: str
    title: str
    lead: str
    points: list[str] = Field([], max_length=4)
    how: str | None = None
    contact: list[ContactLine] = []
    source: SourceLine | None = None
    outdated: str | None = None
    buttons: list[Button] = []
    confidence: float = 1.0


class ChoiceBlock(BaseModel):
    """A question with at most three answers to tap."""

    kind: Literal["choice"] = "choice"
    text: str
    buttons: list[Button] = Field(max_length=MAX_CHOICES)


class FormBlock(BaseModel):
    """A question for one slot of a form, with answers to tap."""

    kind: Literal["form"] = "form"
    form: str
    slot: str
    asked: list[str] = []  # slots asked so far, this one last
    text: str
    contact: list[ContactLine] = []
    buttons: list[Button] = Field([], max_length=4)


class FinderItem(BaseModel):
    """One service a person gets, or perhaps gets; ``line`` says what or what it depends on."""

    service_id: str
    title: str
    line: str
    group: str
    certain: bool


class FinderBlock(BaseModel):
    """What a person can have. ``buttons[i]`` says how to get ``items[i]``."""

    kind: Literal["finder"] = "finder"
    person: str  # what it was reckoned with
    text: str
    items: list[FinderItem]
    notes: list[str] = []
    contact: list[ContactLine] = []
    buttons: list[Button] = []

    def part(self, certain: bool) -> list[tuple[FinderItem, Button | None]]:
        """Return the items of one part, each with its button."""
        buttons = [*self.buttons, *[None] * len(self.items)]
        return [pair for pair in zip(self.items, buttons, strict=False) if pair[0].certain is certain]


class CompareRow(BaseModel):
    """One thing two services differ in."""

    title: str
    left: str
    right: str


class CompareBlock(BaseModel):
    """Two services side by side."""

    kind: Literal["compare"] = "compare"
    service_ids: list[str] = Field(min_length=2, max_length=2)
    left: str
    right: str
    rows: list[CompareRow]
    contact: list[ContactLine] = []
    source: list[SourceLine] = []
    buttons: list[Button] = []


class PlaceLine(BaseModel):
    """One place: where, when, how far."""

    name: str
    address: str
    phone: str | None = None
    hours: str | None = None  # of today, in words
    distance: str | None = None
    map_url: str | None = None
    sample: bool = False


class PlacesBlock(BaseModel):
    """Places near somebody, the nearest first."""

    kind: Literal["places"] = "places"
    service_id: str | None = None  # what the places are for
    text: str
    places: list[PlaceLine]
    notes: list[str] = []
    contact: list[ContactLine] = []
    buttons: list[Button] = []


class EmergencyBlock(BaseModel):
    """Whom to ring now, first of all."""

    kind: Literal["emergency"] = "emergency"
    danger: str
    lead: str
    call: list[str]
    advice: list[str] = []


class BookingBlock(BaseModel):
    """A booking as a card: the code in large digits."""

    kind: Literal["booking"] = "booking"
    text: str
    code: str
    title: str
    when: str
    place: str
    for_whom: str
    notes: list[str] = []
    map_url: str | None = None
    calendar: str | None = None  # the booking, where a calendar file can be had of it
    contact: list[ContactLine] = []
    buttons: list[Button] = []

    @property
    def code_aloud(self) -> str:
        """Return the code in two groups of three, as it is read aloud."""
        return f"{self.code[:3]} {self.code[3:]}"


class HandoffBlock(BaseModel):
    """How to reach a person."""

    kind: Literal["handoff"] = "handoff"
    text: str
    contact: list[ContactLine]


Block = Annotated[
    TextBlock
    | AnswerBlock
    | ChoiceBlock
    | FormBlock
    | FinderBlock
    | CompareBlock
    | PlacesBlock
    | BookingBlock
    | EmergencyBlock
    | HandoffBlock,
    Field(discriminator="kind"),
]


class Evidence(BaseModel):
    """What the reply was decided on; recorded and evaluated, never shown to an elder."""

    intent: str | None = None
    confidence: float | None = None
    ranking: list[tuple[str, float]] = []  # service id and probability, best first


class Reply(BaseModel):
    """One whole reply."""

    schema_version: Literal[1] = Field(1, alias="schema")
    blocks: list[Block]
    outcome: Outcome
    speak: str = ""
    evidence: Evidence = Evidence()
    remembered: dict[str, Any] | None = Field(None, exclude=True)  # what was learnt of the person; not sent

    booking: dict[str, Any] | None = Field(None, exclude=True)  # what the open booking form knows; not sent

    model_config = ConfigDict(populate_by_name=True)

    def payload(self) -> dict[str, Any]:
        """Return the reply as JSON data, as it travels through Rasa."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def service_ids(self) -> list[str]:
        """Return the services answered about, in order."""
        found: list[str] = []
        for block in self.blocks:
            if isinstance(block, AnswerBlock | PlacesBlock) and block.service_id:
                found.append(block.service_id)
            elif isinstance(block, CompareBlock):
                found += block.service_ids
            elif isinstance(block, FinderBlock):
                found += [item.service_id for item in block.items]
        return found
