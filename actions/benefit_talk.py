"""When the benefit finder begins, and what it says first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from actions import finder
from actions.about import ASK_FROM, about
from actions.asking import facts, is_question, tells_only
from actions.understood import Context, FinderState, UnderstoodAct
from knowledge.library import Library
from knowledge.person import Person
from knowledge.phrases import say
from knowledge.reply import Evidence, FinderBlock, Outcome, Reply, TextBlock


class BenefitTalk:
    """Leads into the finder and out of it with what is known of the person."""

    def __init__(self, library: Library, today: date) -> None:
        self._library = library
        self._today = today

    def starts(self, act: UnderstoodAct, context: Context) -> bool:
        """Return whether the message describes a person without a question, or puts a result right."""
        told = bool(facts(act.text)) and not is_question(act.text)
        return (_was_shown(context) and told) or (tells_only(act) and context.last_service is None)

    def begin(self, act: UnderstoodAct, context: Context) -> Reply:
        """Begin the finder; where its result was just shown, reckon again without questions."""
        if act.intent != "find_benefits" and _was_shown(context):
            return self.result(context.person, FinderState(finder.ASKABLE))
        matches = about(replace(act, service_id=None), Context(), self._library).matches if act.text else ()
        reply = self.result(context.person, FinderState())
        ranking = {match.service_id: round(match.score, 3) for match in matches[:5]}
        blocks = list(reply.blocks)
        if reply.outcome is Outcome.ASKED_SLOT:
            near = [match.service_id for match in matches if match.score >= ASK_FROM]
            so_far = finder.so_far(self._library.services, near, context.person, self._today)
            blocks.insert(0, TextBlock(text=say("finder_opening"), points=list(so_far.values())))
            ranking = {**dict.fromkeys(so_far, 1.0), **{id: score for id, score in ranking.items() if id not in so_far}}
        evidence = Evidence(ranking=list(ranking.items()))
        return reply.model_copy(update={"blocks": blocks, "evidence": evidence})

    def result(self, person: Person, state: FinderState) -> Reply:
        """Return the next question, or the result; the person is remembered."""
        reply = finder.reply(self._library.services, person, state, self._today)
        return reply.model_copy(update={"remembered": person.known()})


def _was_shown(context: Context) -> bool:
    last = context.last_reply.blocks if context.last_reply else []
    return any(isinstance(block, FinderBlock) for block in last)
