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
_WARNED_OF_TOO = {"report_scam", "check_suspicious", "wellbeing"}  # or besides: who was cheated may name one by chance
_HITS = re.compile(r"打我|打人|动手|推我|掐我|咬我|拿东西砸")
_TEMPER = re.compile(r"怕.{0,8}(?:打|动手|推)(?:了|她|他|伊|妈|爸)|想打|忍不住.{0,4}(?:打|骂|吼)|差点.{0,3}(?:打|动手)")
_CARES = re.compile(
    r"照顾|照料|服侍|伺候|护理|陪护|翻身|喂|端屎|[擦揩]身|尿布|瘫|卧床|痴呆|糊涂|[管弄抱](?:不动|勿动)|夜里起来"
)
_BEREAVED = re.compile(r"走了|没了|走脱|过世|去世|故世|离世|送走|遗像|坟|墓|丧")
_FAMILY = re.compile(r"爸|妈|爷|奶|爹|娘|老人|公公|婆|外公|丈人|父|母|老头|老太")
_IN_A_HOME = re.compile(r"养老院|敬老院|护理院|养护院|福利院|机构|院里|照护之家|日托")
POLICE = ContactLine(name="报警", phone="110")
ANTIFRAUD = ContactLine(name="反诈专线", phone="96110")
LEGAL = ContactLine(name="法律服务热线", phone="12348")
COMFORT = ContactLine(name="心理援助热线", phone="12356")


def _comfort(text: str) -> list[str]:
    """Return what fits the trouble: somebody who strikes, one's own temper, caring, a death, or being alone."""
    if _TEMPER.search(text):
        return [say("wellbeing_temper"), say("wellbeing_carer")]
    if _HITS.search(text):
        return [say("wellbeing_hit")]
    if _CARES.search(text):
        return [say("wellbeing_carer")]
    if _BEREAVED.search(text):
        return [say("wellbeing_bereaved"), say("wellbeing_company")]
    return [say("wellbeing_company")]


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
        lead, more = say(self.phrase), points(f"{self.phrase}_points")
        if self.phrase == "scam" and "顾问" in text and "冒充" in text:
            lead, more = say("impostor"), more[:1]
        elif self.phrase in ("scam", "suspicious") and "安全账户" in text:
            lead = say("safe_account")
        elif self.phrase == "suspicious" and _FAMILY.search(text):
            more = [*more[:-1], say("suspicious_family")]
        elif self.phrase == "abuse" and _IN_A_HOME.search(text):
            more = [say("abuse_home"), *more[:-1]]
        elif self.phrase == "wellbeing":
            more = [*_comfort(text), *more]
        return TextBlock(text=lead, points=more, contact=list(self.contact))

    def may_follow(self, text: str) -> tuple[str, ...]:
        """Return the services that may follow: who cares for nobody has nobody to send away for a few days."""
        return tuple(each for each in self.services if each != "respite" or _CARES.search(text))


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
        aside = named and act.confidence < _SURE_FROM and found.matches[0].service_id not in guard.services
        if aside and act.intent not in _WARNED_OF_TOO:
            return None
        if guard.services and not named:
            found = about(act, Context(), self._library, guard.may_follow(act.text))
        blocks: list[Block] = [self._first(guard, found, act)]
        told = self._told(guard, found, act.text)
        if aside:  # what was asked besides
            blocks += self._services.answered(
                replace(act, intent="ask_service"), found.matches[0].service_id, 1.0
            ).blocks
        elif told:
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
