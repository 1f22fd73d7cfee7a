"""Replies to what hurts: fraud, ill-treatment, exhaustion, complaints. Advice first, then the service."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from actions.about import About, about
from actions.service_answers import NAMED_FROM, ServiceAnswers
from actions.understood import Context, UnderstoodAct
from knowledge.answer import topic_of
from knowledge.library import Library
from knowledge.phrases import hotline, points, say
from knowledge.reply import Act, Block, Button, ContactLine, Evidence, Outcome, Reply, TextBlock

_SURE_FROM = 0.7  # below, a service that is named is answered instead
_HITS = re.compile(r"打我|打人|动手|推我|掐我|咬我|拿东西砸")
POLICE = ContactLine(name="报警", phone="110")
ANTIFRAUD = ContactLine(name="反诈专线", phone="96110")
LEGAL = ContactLine(name="法律服务热线", phone="12348")
COMFORT = ContactLine(name="心理援助热线", phone="12356")


@dataclass(frozen=True)
class Guard:
    """What to say first, and which services may follow it."""

    outcome: Outcome
    phrase: str
    contact: tuple[ContactLine, ...]
    services: tuple[str, ...]  # candidates for the service offered; all where empty
    offers: tuple[str, ...] = ()  # always offered as buttons
    told: tuple[str, ...] = ()  # what to do about these is told at once
    number: str | None = None  # the service whose number the first block gives

    def block(self, text: str) -> TextBlock:
        """Return the first block for a message of normal ``text``."""
        if self.phrase == "scam" and "顾问" in text and "冒充" in text:
            return TextBlock(text=say("impostor"), points=points("scam_points")[:1], contact=list(self.contact))
        if self.phrase == "wellbeing" and _HITS.search(text):
            first = [say("wellbeing_hit"), *points("wellbeing_points")]
            return TextBlock(text=say("wellbeing"), points=first, contact=list(self.contact))
        return TextBlock(text=say(self.phrase), points=points(f"{self.phrase}_points"), contact=list(self.contact))


GUARDS = {
    "report_scam": Guard(
        Outcome.GUARDED_SCAM,
        "scam",
        (POLICE, ANTIFRAUD),
        ("elder_scam", "antifraud_96110", "prepay_rules", "report_illegal_org", "hotlines", "ref_consumer_refund"),
        ("elder_scam",),
        ("report_illegal_org",),
    ),
    "check_suspicious": Guard(
        Outcome.GUARDED_SCAM,
        "suspicious",
        (ANTIFRAUD, POLICE),
        ("verify_org", "elder_scam", "antifraud_96110", "report_illegal_org", "charity_donation", "prepay_rules"),
        ("elder_scam", "verify_org"),
        ("verify_org", "report_illegal_org"),
    ),
    "report_abuse": Guard(
        Outcome.GUARDED_ABUSE,
        "abuse",
        (POLICE, LEGAL),
        ("legal_aid_12348", "support_dispute", "hotlines", "public_guardian"),
        ("legal_aid_12348",),
        number="legal_aid_12348",
    ),
    "wellbeing": Guard(
        Outcome.GUARDED_WELLBEING,
        "wellbeing",
        (COMFORT,),
        ("mental_12356", "respite", "old_partner", "home_visit"),
        ("respite", "mental_12356"),
        number="mental_12356",
    ),
    "complain": Guard(Outcome.ANSWERED_CONVERSATION, "complain", (hotline(),), (), ("hotlines",), number="hotlines"),
}


class GuardedAnswers:
    """Advice first, then the service that helps."""

    def __init__(self, library: Library, services: ServiceAnswers) -> None:
        self._library, self._services = library, services

    def reply(self, act: UnderstoodAct) -> Reply | None:
        """Return the reply to an act of GUARDS; None where it rather asks about a service that it names."""
        guard = GUARDS[act.intent]
        found = about(act, Context(), self._library)
        named = found.best is not None and found.best.score >= NAMED_FROM
        if named and act.confidence < _SURE_FROM and found.matches[0].service_id not in guard.services:
            return None
        if guard.services and not named:
            found = about(act, Context(), self._library, guard.services)
        blocks: list[Block] = [self._first(guard, found, act)]
        told = self._told(guard, found, act.text)
        if told:
            blocks += self._services.answered(replace(act, intent="ask_how_to_apply"), told, 1.0).blocks
        ranking = [(match.service_id, round(match.score, 3)) for match in found.matches[:5]]
        if guard.number:
            ranking = [(guard.number, 1.0), *(each for each in ranking if each[0] != guard.number)]
        return Reply(blocks=blocks, outcome=guard.outcome, evidence=Evidence(ranking=ranking))

    def _first(self, guard: Guard, found: About, act: UnderstoodAct) -> TextBlock:
        first = guard.block(act.text)
        titles = list(guard.offers)
        if found.best and found.best.service_id not in titles and found.is_known():
            titles.insert(0, found.best.service_id)
        services = [service for service in map(self._library.services.get, titles) if service]
        first.buttons = [
            Button(title=service.name, act=Act(intent="ask_service", service_id=service.id)) for service in services[:3]
        ]
        return first

    def _told(self, guard: Guard, found: About, text: str) -> str | None:
        """Return the service whose own answer follows the warning at once, if any."""
        if found.best and found.is_known() and found.best.service_id in guard.told:
            return found.best.service_id
        services = [match.service_id for match in found.matches]
        return next(
            (
                each
                for each in services
                if (each in guard.services or not guard.services) and topic_of(self._library.services[each], text)
            ),
            None,
        )
