"""The last word on a message: answer, ask which, or say that we do not know.

Weighs what was understood (intent, gate) and what was found (search). Everything that a
person reads comes from the service list or from the phrases.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from actions import finder
from actions.about import chosen, is_follow_up
from actions.asking import asks_money_by_age, facts, goes_on, is_question, with_person
from actions.benefit_talk import BenefitTalk
from actions.booking_talk.desk import Desk
from actions.booking_talk.talk import BookingTalk, as_about_booking
from actions.comparing import comparison
from actions.conversation import again, emergency_reply, handoff, our_hours, reply_without_search, simpler
from actions.guarded import GUARDS, GuardedAnswers
from actions.meant import decided, in_turn, sure_enough, what_was_meant
from actions.merging import carried, merged
from actions.nearby import looked_for, places_near
from actions.openings import opened
from actions.privacy import PrivacyTalk
from actions.service_answers import BOOKED_BY, ServiceAnswers
from actions.understood import Context, FinderState, UnderstoodAct
from knowledge.aloud import aloud, answer_aloud
from knowledge.answer import ASPECTS
from knowledge.emergency import default_matcher
from knowledge.figures import is_paid_by_age
from knowledge.library import Library
from knowledge.phrases import hotline, say
from knowledge.places import PlaceBook
from knowledge.plain_text import plain_text
from knowledge.reply import (
    Act,
    AnswerBlock,
    Block,
    Button,
    ChoiceBlock,
    Evidence,
    Outcome,
    Reply,
    TextBlock,
)

_MORE_WORDS = ("还有", "别的", "其他", "然后呢")
_ENDS_FINDER = {"stop", "restart", "request_human", "emergency", "others_data", "medical_question"}
_INTERRUPTS = {"greet", "thank", "help", "bot_challenge", "privacy", "read_aloud", "larger_text", "repeat"}
_NOT_A_DESCRIPTION = _ENDS_FINDER | _INTERRUPTS | {"find_benefits", "book_training", "book_consultation"}
_INTERRUPTS_BOOKING = {"restart", "request_human", "emergency", "others_data", "medical_question", "privacy"}
_INTERRUPTS_FROM = 0.5
_BOOK_WHICH = re.compile(r"^(?:我|我们|阿拉|帮我)?(?:要|想|想要)?(?:预约|预订|约一下|约)[一下个吧。！]*$")
_ASKS_WHAT = re.compile(r"是什么|什么是|做什么|干什么|干嘛|教什么|讲什么|学什么|有啥用|多少钱|要钱|收费|免费")
_BOOKS = re.compile(r"报名|预约|预订|约一?个|报一?个|参加|登记")
_DENIES = re.compile(r"不|勿|弗|错|否|没问|no|^没有?[了的啊呀。]*$")
_IS_ILL = re.compile(r"查出|确诊|诊断|(?:医生|医院).{0,3}(?:讲|说)[^，。]{0,6}是|得了")
_SEVERAL = 3
_CHOOSES_WITHIN = 16  # characters
_DANGER_SURE_FROM = 0.5
_SELF_HARM, _UNKNOWN = "self_harm", "unknown"  # kinds of emergency


class Answerer:
    """Makes the reply to what was understood."""

    def __init__(
        self, library: Library, at: datetime, places: PlaceBook | None = None, desk: Desk | None = None
    ) -> None:
        self._library = library
        self._at = at
        self._today = at.date()
        self._places = places or PlaceBook()
        self._benefits = BenefitTalk(library, self._today)
        self._booking = booking = BookingTalk(desk, at) if desk else None
        self._privacy = PrivacyTalk(desk.records, at, desk.days) if desk else None
        self._services = ServiceAnswers(library, self._today, booking.can_book if booking else lambda intent: False)
        self._guarded = GuardedAnswers(library, self._services)

    def reply(self, acts: Sequence[UnderstoodAct], context: Context) -> Reply:
        """Return one reply to all acts of a message."""
        acts = [sure_enough(in_turn(act, context)) for act in acts[:_SEVERAL]]
        context = with_person(acts, context)
        taken = self._privacy.takes(acts[0], context) if self._privacy else None
        if taken:
            acts = [replace(acts[0], intent="privacy")]
        elif self._booking and not _interrupts_booking(acts[0]):
            meant = self._about_the_booking(acts[0], context)
            taken = self._booking.takes(acts[0], context, lambda: self._all(acts, meant))
        if taken:
            first = whole = taken
        elif context.finder.open:
            first = whole = self._in_finder(acts, context)
        else:
            replies = self._all(acts, context)
            first = replies[0]
            whole = first if len(replies) == 1 else merged(replies)
        if whole.remembered is None:
            whole = whole.model_copy(update={"remembered": context.person.known()})
        evidence = Evidence(
            intent=decided(acts[0], whole), confidence=round(acts[0].confidence, 3), ranking=first.evidence.ranking
        )
        whole = opened(whole, context.said)
        return whole.model_copy(update={"evidence": evidence, "speak": _speak(whole)})

    def _all(self, acts: Sequence[UnderstoodAct], context: Context) -> list[Reply]:
        compared = (
            None if acts[0].pressed else comparison("，".join(act.text for act in acts), self._library, self._today)
        )
        if compared:
            return [compared]
        near = None
        if not acts[0].pressed and acts[0].intent not in GUARDS and not self._books(acts[0]):
            near = places_near(context.said, self._places, self._at, looked_for(context.last_reply))
        if near:
            return [near]
        replies = [self._one(acts[0], context)]
        for act in acts[1:]:
            replies.append(self._one(act, carried(context, replies[-1])))
        return replies

    def _in_finder(self, acts: Sequence[UnderstoodAct], context: Context) -> Reply:
        """Take the message as the answer to the open question, or answer it and ask again."""
        act, slot, asked = acts[0], context.finder.asked[-1], context.finder.asked
        asks = act.intent in ASPECTS and is_question(act.text) and not act.pressed
        if act.intent in _ENDS_FINDER or act.intent in GUARDS:
            return self._one(act, context)
        said = None if asks else finder.answered(slot, act)
        if said is not None:
            return self._benefits.result(context.person.with_more(said), context.finder)
        if finder.is_skip(slot, act):
            return self._benefits.result(context.person, context.finder)
        if not asks and facts(act.text):  # it tells something else of the person
            return self._benefits.result(context.person, FinderState(asked[:-1], open=True))
        again = finder.question(slot, asked[:-1], context.person)
        if asks or act.pressed or act.intent in _INTERRUPTS:
            return merged([*self._all(acts, context), Reply(blocks=[again], outcome=Outcome.ASKED_SLOT)])
        if context.misses >= 1:  # never ask the same thing three times
            return self._benefits.result(context.person, context.finder)
        again.text = say("finder_not_understood", question=again.text)
        return Reply(blocks=[again], outcome=Outcome.ASKED_WHAT_ABOUT)

    def _one(self, act: UnderstoodAct, context: Context) -> Reply:
        if act.intent in GUARDS:
            return self._guarded.reply(act) or self._aspect(replace(act, intent="ask_service"), context)
        if not act.pressed and act.intent not in _NOT_A_DESCRIPTION and self._benefits.starts(act, context):
            return self._benefits.begin(act, context)
        about_these = self._of_the_offered(act, context)
        if about_these:
            return about_these
        if goes_on(act, context):
            same = replace(act, intent=context.last_aspect or "ask_service", service_id=context.last_service)
            return self._services.answered(same, context.last_service or "", 1.0, context.person)
        if act.intent == "small_talk" and "生日" in act.text:
            wish: list[Block] = [TextBlock(text=say("birthday"))]
            money = self._money_by_age(replace(act, intent="ask_amount", text=""), context)
            return Reply(blocks=wish + (money.blocks if money else []), outcome=Outcome.ANSWERED_CONVERSATION)
        by_age = self._money_by_age(act, context)
        if by_age:
            return by_age
        if act.intent == "repeat":
            return again(context.last_reply)
        if act.intent == "simplify" and not self._library.search.names_one(act.text):
            return simpler(context.last_reply)
        act = as_about_booking(act)
        booking = self._booking.begins(act, context) if self._booking else None
        if act.intent in BOOKED_BY:
            return self._book(act, booking, context)
        if booking:
            return booking
        if act.intent == "choose":
            service = chosen(act.text, context.choices, self._library)
            if service is None and self._library.search.names_one(act.text):
                return self._aspect(replace(act, intent="ask_service"), context)
            if service is None:
                return _asked(say("nothing_to_choose"))
            picked = replace(act, intent=context.last_aspect or "ask_service", service_id=service.id)
            return self._aspect(picked, context)
        if act.intent == "privacy" and self._privacy:
            return self._privacy.answers(act, context)
        if act.intent == "emergency" and not act.pressed:
            return self._danger(act, context)
        if act.intent == "deny":
            denies = act.pressed or _DENIES.search(act.text)
            if denies and context.others:
                return self._services.others(context.others, context.last_aspect or "ask_service")
            if not denies and context.last_service:  # 今天都没来 tells more of it
                return self._aspect(replace(act, intent="ask_service"), context)
        if act.intent == "medical_question" and _IS_ILL.search(act.text) and not is_question(act.text):
            return self._with_help(act, context)
        hours = None if context.last_service or act.pressed else our_hours(act.text)
        fixed = hours or reply_without_search(act.intent, act.text)
        if fixed is not None:
            return fixed
        if act.intent == "unclear":
            return self._unclear(act, context)
        return self._aspect(act, context)

    def _with_help(self, act: UnderstoodAct, context: Context) -> Reply:
        """Return the doctor's matter, and below it what there is for who has such an illness."""
        guarded = reply_without_search("medical_question", act.text)
        help_ = self._aspect(replace(act, intent="ask_service", ranking=()), context)
        if guarded is None or not help_.service_ids():
            return guarded or help_
        both = merged([guarded, help_])
        return both.model_copy(update={"evidence": help_.evidence})

    def _of_the_offered(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Answer 那要多少钱, 第二个要多少钱 or, of one only, 对的, said instead of choosing, about what was offered."""
        if act.pressed or len(act.text) > _CHOOSES_WITHIN:
            return None
        offers = _offers(context.last_reply) if context.last_reply else []
        if act.intent == "affirm" and len(offers) == 1:
            return self._services.reply(replace(act, intent=offers[0].intent, service_id=offers[0].service_id), context)
        if act.intent not in ASPECTS:
            return None
        service = chosen(act.text, context.choices, self._library)
        if service:
            return self._services.reply(replace(act, service_id=service.id), context)
        several = len(set(context.choices)) > 1 and is_follow_up(act.text)
        return self._services.among(act, context) if several else None

    def _danger(self, act: UnderstoodAct, context: Context) -> Reply:
        """Warn first; where it may be no danger at all, answer what it is otherwise too."""
        matcher = default_matcher()
        danger = matcher.suspected(act.text)
        told = danger.kind != _UNKNOWN and not matcher.is_told_of(act.text)
        if danger.kind == _SELF_HARM or (told and act.confidence >= _DANGER_SURE_FROM):
            return emergency_reply(danger)  # beside a farewell least of all may anything else stand
        alarm = emergency_reply(replace(danger, lead=say("emergency_perhaps", lead=danger.lead)))
        instead = next((name for name, _ in act.ranking if name != act.intent), "ask_service")
        otherwise = self._one(replace(act, intent=instead, ranking=()), context)
        if not otherwise.service_ids():
            return alarm
        both = merged([alarm, otherwise])
        return both.model_copy(update={"evidence": otherwise.evidence, "speak": alarm.speak + _speak(otherwise)})

    def _money_by_age(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Answer 我妈83岁，能拿多少: of an age only and naming nothing, it is the money that goes by age."""
        if context.last_service or not asks_money_by_age(act, context.person):
            return None
        paid = [service for service in self._library.services if service.benefit and is_paid_by_age(service)]
        if not paid:
            return None
        service = min(paid, key=lambda service: service.benefit or 0)
        reply = self._services.answered(replace(act, intent="ask_amount"), service.id, 1.0, context.person)
        more = Button(title=say("button_find_benefits"), act=Act(intent="find_benefits"))
        answered = [block for block in reply.blocks if isinstance(block, AnswerBlock)]
        return reply.model_copy(
            update={"blocks": [b.model_copy(update={"buttons": [more, *b.buttons[:2]]}) for b in answered]}
        )

    def _aspect(self, act: UnderstoodAct, context: Context) -> Reply:
        """Answer an aspect or a correction, or offer what one may be entitled to."""
        act = what_was_meant(act)
        if act.intent == "find_benefits":
            return self._benefits.begin(act, context)
        if context.last_service is None and act.service_id is None and is_follow_up(act.text):
            return self._unclear(act, context)
        return self._services.reply(act, context)

    def _unclear(self, act: UnderstoodAct, context: Context) -> Reply:
        service = self._library.services.get(context.last_service)
        if service is None:
            return handoff(Outcome.HANDED_OFF_MISSES) if context.misses >= 1 else _asked(say("unclear"))
        if any(word in act.text for word in _MORE_WORDS):
            return self._aspect(replace(act, intent=_next_aspect(context), service_id=service.id), context)
        aspects = ("ask_how_to_apply", "ask_amount", "ask_eligibility")
        buttons = [Button(title=say(f"button_{a}"), act=Act(intent=a, service_id=service.id)) for a in aspects]
        block = ChoiceBlock(text=say("unclear_about", service=service.name), buttons=buttons)
        return Reply(blocks=[block], outcome=Outcome.ASKED_WHAT_ABOUT)

    def _books(self, act: UnderstoodAct) -> bool:
        """Return whether an act surely books what is on offer: then 徐汇的顾问 asks for no address."""
        sure = act.intent in BOOKED_BY and act.confidence >= _INTERRUPTS_FROM
        return sure and self._booking is not None and self._booking.can_book(act.intent)

    def _about_the_booking(self, act: UnderstoodAct, context: Context) -> Context:
        """Return the context in which 要带什么材料, said while a form is open, is about what is booked."""
        kind = context.booking.get("kind")
        if not kind or not is_follow_up(act.text):
            return context
        return replace(context, last_service=BOOKED_BY[f"book_{kind}"])

    def _book(self, act: UnderstoodAct, form: Reply | None, context: Context) -> Reply:
        """Return the form's first question; where nothing is on offer, how it is done without us too."""
        if act.slot == "which" or (not act.pressed and _BOOK_WHICH.match(act.text) and not context.last_service):
            return _which_to_book()
        service_id = BOOKED_BY[act.intent]
        if not act.pressed and _ASKS_WHAT.search(act.text) and not _BOOKS.search(act.text):
            return self._services.answered(replace(act, intent="ask_service"), service_id, 1.0, context.person)
        evidence = Evidence(ranking=[(service_id, 1.0)])
        if form and self._booking and self._booking.can_book(act.intent):
            return form.model_copy(update={"evidence": evidence})
        how = self._services.answered(UnderstoodAct("ask_how_to_apply", act.text, 1.0), service_id, 1.0)
        blocks: list[Block] = [TextBlock(text=say("book_not_yet")), *how.blocks, *(form.blocks if form else [])]
        booking = form.booking if form else None
        return Reply(blocks=blocks, outcome=how.outcome, evidence=evidence, booking=booking)


def _interrupts_booking(act: UnderstoodAct) -> bool:
    """Return whether an act must be answered by itself; the form can be taken up again after it."""
    if act.intent in GUARDS:
        return True
    return act.intent in _INTERRUPTS_BOOKING and (act.pressed or act.confidence >= _INTERRUPTS_FROM)


def _which_to_book() -> Reply:
    buttons = [Button(title=say(f"book_kind_{kind[5:]}"), act=Act(intent=kind)) for kind in BOOKED_BY]
    block = ChoiceBlock(text=say("book_which_kind"), buttons=buttons)
    return Reply(blocks=[block], outcome=Outcome.ASKED_WHICH_SERVICE)


def _offers(reply: Reply) -> list[Act]:
    """Return what the buttons of a choice between services stand for."""
    buttons = [button for block in reply.blocks if isinstance(block, ChoiceBlock) for button in block.buttons]
    return [button.act for button in buttons if button.act and button.act.service_id]


def _next_aspect(context: Context) -> str:
    """Return what the last answer offered to tell next."""
    blocks = context.last_reply.blocks if context.last_reply else []
    offered = [button.act.intent for block in blocks for button in getattr(block, "buttons", []) if button.act]
    return offered[0] if offered else "ask_service"


def _asked(text: str) -> Reply:
    return Reply(blocks=[TextBlock(text=text, contact=[hotline()])], outcome=Outcome.ASKED_WHAT_ABOUT)


def _speak(reply: Reply) -> str:
    if reply.speak:
        return aloud(reply.speak)
    spoken = [answer_aloud(block) for block in reply.blocks if isinstance(block, AnswerBlock)]
    return "".join(spoken) or aloud(plain_text(reply))
