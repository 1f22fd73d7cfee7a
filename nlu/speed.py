"""``python -m nlu.speed FILE`` prints, as JSON, the milliseconds that understanding each line of FILE takes.

In a process of its own, one text after another, none of them kept from before: what the
dialogue server needs for a text that it has never seen.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from pathlib import Path
from typing import List

from rasa.core.agent import load_agent
from rasa.utils.log_utils import configure_structlog

MODEL = Path("var") / "models" / "advisor.tar.gz"
_WARM_UP = "长护险怎么申请，要多少钱？"


async def measure(texts: List[str], model: Path) -> List[float]:
    """Return milliseconds for each text."""
    agent = await load_agent(model_path=str(model))
    await agent.parse_message(_WARM_UP)
    took = []
    for text in texts:
        began = time.perf_counter()
        await agent.parse_message(text)
        took.append(round((time.perf_counter() - began) * 1000, 2))
    return took


if __name__ == "__main__":
    configure_structlog(logging.WARNING)
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    print(json.dumps(asyncio.run(measure(lines, Path(sys.argv[2]) if len(sys.argv) > 2 else MODEL))))
