"""Replies to what hurts: fraud, ill-treatment, exhaustion, complaints. Advice first, then the service."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knowledge.phrases import hotline, points, say
from knowledge.reply import ContactLine, Outcome, TextBlock

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
