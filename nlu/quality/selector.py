"""Rasa's ResponseSelector as FAQ retrieval over the service list: a peer of our search.

``python -m nlu.quality selector LIST.json QUESTIONS.json OUT.json``: trains on the list's
questions and names (service id to texts) and writes, for each question, the services best
first and the milliseconds it took.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import yaml

_EPOCHS = 60
_TOP = 10


def select(listed: Path, questions: Path, out: Path) -> None:
    """Train on ``listed``, ask ``questions``, write ``out``."""
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    texts: Dict[str, List[str]] = json.loads(listed.read_text(encoding="utf-8"))
    asked: List[str] = json.loads(questions.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _write(work, texts)
        began = time.monotonic()
        model = train_nlu(str(work / "config.yml"), str(work / "nlu.yml"), folder, domain=str(work / "domain.yml"))
        took = time.monotonic() - began
        found = asyncio.run(_ask(Agent.load(model), asked))
    out.write_text(json.dumps({"training_s": round(took, 1), "found": found}, ensure_ascii=False), encoding="utf-8")


async def _ask(agent: Any, asked: List[str]) -> List[Dict[str, Any]]:
    found = []
    for text in asked:
        began = time.perf_counter()
        parsed = await agent.parse_message(text)
        ranking = parsed["response_selector"]["faq"]["ranking"]
        services = [each["intent_response_key"].split("/")[1] for each in ranking[:_TOP]]
        found.append({"services": services, "ms": (time.perf_counter() - began) * 1000})
    return found


def _write(work: Path, texts: Dict[str, List[str]]) -> None:
    examples = [
        {"intent": f"faq/{service}", "examples": "".join(f"- {text}\n" for text in said)}
        for service, said in texts.items()
    ]
    responses = {f"utter_faq/{service}": [{"text": said[0]}] for service, said in texts.items()}
    pipeline = [
        {"name": "JiebaTokenizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 3},
        {"name": "KeywordIntentClassifier"},
        {
            "name": "ResponseSelector",
            "retrieval_intent": "faq",
            "epochs": _EPOCHS,
            "constrain_similarities": True,
            "random_seed": 1,
        },
    ]
    config = {
        "recipe": "default.v1",
        "language": "zh",
        "assistant_id": "selector",
        "pipeline": pipeline,
        "policies": [],
    }
    parts = {
        "config.yml": config,
        "nlu.yml": {"version": "3.1", "nlu": examples, "responses": responses},
        "domain.yml": {"version": "3.1", "intents": ["faq"], "responses": responses},
    }
    for name, data in parts.items():
        (work / name).write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
