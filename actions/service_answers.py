"""A question about a service: its answer, which of two, a guess, or that it is not ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from actions.about import About, about, is_elsewhere, lives_here
from actions.asking import asked_of
from actions.conversation import handoff
from actions.meant import asks_for_a_tip
from actions.understood import Context, UnderstoodAct
from knowledge import answer
from knowledge.answer import ASPECTS
from knowledge.library import Library
from knowledge.person import NOBODY, Person
from knowledge.phrases import hotline, say
from knowledge.reply import Act, AnswerBlock, Block, Button, ChoiceBlock, Evidence, Outcome, Reply, TextBlock
from knowledge.schema import Kind
from knowledge.search import Match

BOOKED_BY = {"book_training": "caregiver_training", "book_consultation": "eldercare_advisor"}
OUTSIDE_BELOW = 0.5  # the gate's probability under which a message is not ours, whatever the search finds
NAMED_FROM = 0.75  # a service found this surely is answered whatever the classifier says
_QUITE_SURE_FROM = 0.85  # below, an answer may be to another question (docs/quality)
_MAY_BE_OURS_FROM = 0.85  # a service found this surely is offered below the refusal: half of those are ours (dev)
_PATIENCE = 2  # messages in a row that are not ours; at the next one a person is offered
_GUESS_FROM = 0.5  # the gate's probability from which we ask "did you mean"


class ServiceAnswers:
    """Weighs what was understood against what was found in the service list."""

    def __init__(self, library: Library, today: date, can_book: Callable[[str], bool]) -> None:
        """Take the list, the day, and whether what an intent books is on offer."""
        self._library = library
        self._today = today
        self._can_book = can_book

    def reply(self, act: UnderstoodAct, context: Context) -> Reply:
        """Answer a question about the service that is found for it."""
        found = about(act, context, self._library)
        ranking = [(match.service_id, round(match.score, 3)) for match in found.matches[:5]]
        reply = self._outside(act, found, context) or self._found(act, found, context)
        return reply.model_copy(update={"evidence": Evidence(ranking=ranking)})

    def answered(self, act: UnderstoodAct, service_id: str, score: float, person: Person = NOBODY) -> Reply:
        """Return one aspect of one service."""
        service = self._library.services[service_id]
        aspect = _aspect_of(act)
        block, known = answer.compose(service, aspect, asked_of(act.text, person, self._today), score)
        if not known:
            outcome = Outcome.UNANSWERED_FIELD
        elif service.kind is Kind.REFERRAL:
            outcome = Outcome.ANSWERED_REFERRAL
        else:
            outcome = Outcome.ANSWERED_SERVICE
        return Reply(blocks=[self._with_booking(block)], outcome=outcome)

    def _outside(self, act: UnderstoodAct, found: About, context: Context) -> Reply | None:
        """Return the refusal where the message is not ours, else None."""
        says_so = act.intent == "out_of_scope" and not found.is_known()
        elsewhere = is_elsewhere(act.text) and not lives_here(act.text)
        named = self._library.search.names_one(act.text)
        far = act.in_field < OUTSIDE_BELOW and not named
        if found.followed or act.service_id or not (far or says_so or elsewhere):
            return None
        if asks_for_a_tip(act.text):
            text = say("out_of_scope_money")
        elif elsewhere:
            text = say("out_of_scope_elsewhere")
        elif context.misses >= _PATIENCE:
            return handoff(Outcome.HANDED_OFF_MISSES)
        else:  # never the same sentence three times
            text = say("out_of_scope_again" if context.misses % 2 else "out_of_scope")
        refused: list[Block] = [TextBlock(text=text, contact=[hotline()])]
        if not elsewhere and found.best and found.best.score >= _MAY_BE_OURS_FROM:
            refused += self._which([found.best], _aspect_of(act), say("out_of_scope_or")).blocks
        return Reply(blocks=refused, outcome=Outcome.UNANSWERED_OUT_OF_SCOPE)

    def _found(self, act: UnderstoodAct, found: About, context: Context) -> Reply:
        if found.best is None or not found.is_known():
            return self._guess(act, found, context)
        close = found.close()
        if close:
            return self._which(close, _aspect_of(act))
        answered = self.answered(act, found.best.service_id, found.best.score, context.person)
        return answered if found.followed or found.best.score >= _QUITE_SURE_FROM else _deniable(answered)

    def others(self, services: Sequence[str], aspect: str) -> Reply:
        """Ask whether one of ``services`` was meant, after another was answered about in vain."""
        return self._which([Match(service_id, 0.0, "") for service_id in services], aspect, say("deny_others"))

    def among(self, act: UnderstoodAct, context: Context) -> Reply:
        """Ask about which of the services offered it is; at the second time, answer about the first."""
        aspect = _aspect_of(act)
        offered = [Match(service_id, 1.0, "") for service_id in dict.fromkeys(context.choices)]
        asked = self._which(offered, aspect, say("which_of_these", aspect=say(f"button_{aspect}")))
        if context.last_reply is None or context.last_reply.blocks != asked.blocks:
            return asked
        ranking = [(match.service_id, match.score) for match in offered]
        answered = _deniable(self.answered(act, offered[0].service_id, 1.0, context.person))
        return answered.model_copy(update={"evidence": Evidence(ranking=ranking)})

    def _with_booking(self, block: AnswerBlock) -> AnswerBlock:
        """Return the answer with a button to book, where that can be booked here and now."""
        intent = next((intent for intent, service in BOOKED_BY.items() if service == block.service_id), None)
        if intent is None or not self._can_book(intent):
            return block
        book = Button(title=say(f"book_button_{intent[5:]}"), act=Act(intent=intent))
        return block.model_copy(update={"buttons": [book, *block.buttons[:2]]})

    def _which(self, close: Sequence[Match], aspect: str, text: str = "") -> Reply:
        services = [self._library.services[match.service_id] for match in close]
        buttons = [Button(title=each.name, act=Act(intent=aspect, service_id=each.id)) for each in services]
        block = ChoiceBlock(text=text or say("which_service"), buttons=buttons)
        return Reply(blocks=[block], outcome=Outcome.ASKED_WHICH_SERVICE)

    def _guess(self, act: UnderstoodAct, found: About, context: Context) -> Reply:
        """Ask whether one of the nearest is meant; at the second miss, or with none near, give the number."""
        if context.misses >= 1:
            return handoff(Outcome.HANDED_OFF_MISSES)
        guesses = found.guesses() if act.in_field >= _GUESS_FROM else []
        if guesses:
            asked = self._which(guesses, _aspect_of(act), say("did_you_mean"))
            return asked.model_copy(update={"outcome": Outcome.ASKED_DID_YOU_MEAN})
        blocks: list[Block] = [TextBlock(text=say("unknown"), contact=[hotline()])]
        return Reply(blocks=blocks, outcome=Outcome.UNANSWERED_UNKNOWN)


def _deniable(reply: Reply) -> Reply:
    """Return an answer with a button that says that something else was asked."""
    no = Button(title=say("button_deny"), act=Act(intent="deny"))
    blocks = [
        block.model_copy(update={"buttons": [*block.buttons[:2], no]}) if isinstance(block, AnswerBlock) else block
        for block in reply.blocks
    ]
    return reply.model_copy(update={"blocks": blocks})


def _aspect_of(act: UnderstoodAct) -> str:
    return act.intent if act.intent in ASPECTS else "ask_service"
