"""Trains pipelines with Rasa itself and asks them; each is a Rasa configuration of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from nlu.quality.figures import Understood
from nlu.quality.sets import OUTSIDE, ROOT

OURS = "ours"
CONFIGS = {path.stem: path for path in sorted((Path(__file__).parent / "pipelines").glob("*.yml"))}
CONFIGS[OURS] = ROOT / "config.yml"


class Pipeline:
    """A trained pipeline. ``seconds`` is what its training took."""

    def __init__(self, name: str, work: Path, data: Path = ROOT / "nlu" / "data" / "nlu") -> None:
        """Train configuration ``name`` on ``data``; models go to ``work``."""
        from rasa.core.agent import Agent
        from rasa.model_training import train_nlu

        logging.getLogger("rasa").setLevel(logging.ERROR)
        began = time.monotonic()
        domain = str(ROOT / "nlu" / "domain")
        model = train_nlu(str(CONFIGS[name]), str(data), str(work), fixed_model_name=name, domain=domain)
        self.seconds = time.monotonic() - began
        self._agent = Agent.load(model)

    def ask(self, texts: Sequence[str]) -> Tuple[List[Understood], List[float]]:
        """Return what is understood of each text, and the milliseconds each took."""
        return asyncio.run(self._ask(texts))

    async def _ask(self, texts: Sequence[str]) -> Tuple[List[Understood], List[float]]:
        said, took = [], []
        for text in texts:
            began = time.perf_counter()
            parsed = await self._agent.parse_message(text)
            took.append((time.perf_counter() - began) * 1_000)
            said.append(_understood(parsed))
        return said, took


def _understood(parsed: Dict[str, Any]) -> Understood:
    intent = parsed.get("intent") or {}
    if "in_field" in parsed:
        outside = 1.0 - float(parsed["in_field"])
    else:
        ranking = parsed.get("intent_ranking") or []
        outside = next((each["confidence"] for each in ranking if each["name"] == OUTSIDE), 0.0)
    return Understood(intent.get("name") or "", float(intent.get("confidence") or 0.0), outside)
