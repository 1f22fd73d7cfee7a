"""Several acts in one message become one reply, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actions.understood import Context
from knowledge.phrases import say
from knowledge.reply import AnswerBlock, Block, FormBlock, Outcome, Reply


def carried(context: Context, before: Reply) -> Context:
    """Return the context for the next act of the same message."""
    services = before.service_ids()
    return replace(context, last_service=services[-1]) if services else context


def merged(replies: Sequence[Reply]) -> Reply:
    """Return one reply with all blocks that say something new."""
    blocks: list[Block] = []
    asking = [number for number, reply in enumerate(replies) if any(isinstance(b, FormBlock) for b in reply.blocks)]
    for reply in (reply for number, reply in enumerate(replies) if number not in asking[1:]):  # one question at a time
        for block in reply.blocks:
            if block not in blocks:
                blocks.append(_going_on(block, blocks) if isinstance(block, AnswerBlock) else block)
    urgent = next((r.outcome for r in replies if r.outcome.value.startswith(("guarded", "handed"))), None)
    return Reply(blocks=blocks, outcome=urgent or Outcome.ANSWERED_SEVERAL)


def _going_on(block: AnswerBlock, before: list[Block]) -> AnswerBlock:
    """Return the answer as one that goes on about the same service, where the one before it was about that.

    Number, source and buttons stand once, under the last answer; its title says what it answers.
    """
    last = before[-1] if before else None
    if not isinstance(last, AnswerBlock) or last.service_id != block.service_id:
        return block
    before[-1] = last.model_copy(update={"contact": [], "source": None, "outdated": None, "buttons": []})
    answered = {each.aspect for each in before if isinstance(each, AnswerBlock)}
    return block.model_copy(
        update={
            "title": say(f"button_{block.aspect}"),
            "points": block.points[:2],
            "how": None,
            "buttons": [button for button in block.buttons if button.act and button.act.intent not in answered],
        }
    )
