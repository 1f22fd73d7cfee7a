"""What is handed to the operator's own tools: dashboard, alert rules, scrape configuration, and the page about them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.doctor import CHECKS
from bot.logs import FIELDS
from bot.metrics import Metrics
from bot.processes import ROOT
from bot.scrape import Lookup, Watched
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.settings import KnowledgeSettings
from storage.database import Database
from storage.queues import Queues
from tests.bot.test_path import AT, database, library  # noqa: F401 (fixtures)

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
SCRAPE = ROOT / "deploy/prometheus/prometheus.yml"
DASHBOARD = ROOT / "deploy/grafana/advisor.json"
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
_METRIC = re.compile(r"\b(?:advisor|process)_[a-z_0-9]+")
_LABEL = re.compile(r"(\w+)=~?\"")


async def _up() -> bool:
    return True


@pytest.fixture
def known(database: Database, library: Library, tmp_path: Path) -> dict[str, set[str]]:
    """The labels of every metric that a server gives, by the names that can be asked for."""
    metrics = Metrics()
    watched = Watched(
        Queues(database, lambda: AT, timedelta(minutes=10)),
        LiveKnowledge(library, KnowledgeSettings(var=tmp_path)),
        _up,
        tmp_path,
    )
    metrics.registry.register(Lookup(watched))
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        labels = _LABELS.get(family.name, set())
        for sample in family.samples:
            labels = labels | (sample.labels.keys() - {"le"})
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        found |= {family.name + suffix: labels for suffix in suffixes}
    return found


_LABELS = {  # those without a value until something happens
    "advisor_answer_seconds": {"channel"},
    "advisor_turns": {"channel", "outcome"},
    "advisor_intents": {"intent"},
    "advisor_emergencies": {"danger"},
    "advisor_http_requests": {"method", "route", "status"},
    "advisor_bookings": {"state"},
}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def test_every_metric_in_dashboard_and_alerts_exists_with_its_labels(known: dict[str, set[str]]) -> None:
    for expression in expressions():
        for name in _METRIC.findall(expression):
            assert name in known, expression
        (first, *_) = _METRIC.findall(expression) or ["up"]
        labels = set(_LABEL.findall(expression)) - {"job"}
        assert labels <= known.get(first, set()), expression


def test_every_metric_of_ours_is_shown_or_alerted_on_and_documented(known: dict[str, set[str]]) -> None:
    used = {name for expression in expressions() for name in _METRIC.findall(expression)}
    families = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in known if name.startswith("advisor_")}
    for family in families:
        assert any(name.startswith(family) for name in used), family
        row = re.search(rf"^\| `{family}` \|([^|]*)\|", PAGE, re.MULTILINE)
        assert row, f"docs/operations.md has no row for {family}"
        labels = next(labels for name, labels in known.items() if name.startswith(family))
        assert set(re.findall(r"`(\w+)`", row[1])) == labels, family


def test_the_page_names_no_metric_that_is_not_there(known: dict[str, set[str]]) -> None:
    families = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in known}
    assert set(re.findall(r"^\| `((?:advisor|process)_\w+)` \|", PAGE, re.MULTILINE)) <= families


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_and_what_to_do_and_is_on_the_page(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    for told in ("summary", "action"):
        assert rule["annotations"][told].endswith((".", "?")), told
    assert f"| `{rule['alert']}` |" in PAGE


def test_the_page_names_no_alert_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `(Advisor\w+)` \|", PAGE, re.MULTILINE)) == {rule["alert"] for rule in rules()}


def test_the_scrape_configuration_loads_the_rules_that_lie_beside_it() -> None:
    configuration = yaml.safe_load(SCRAPE.read_text())
    assert all((SCRAPE.parent / name).exists() for name in configuration["rule_files"])
    (job,) = configuration["scrape_configs"]
    assert job["job_name"] == "advisor"  # the rules ask for it
    assert all('job="advisor"' in each for each in expressions() if "job=" in each)


@pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus is not installed here")
def test_prometheus_takes_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True)  # noqa: S607


def test_panels_do_not_lie_over_each_other_and_have_a_number_each() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not own & cells, panel["title"]
        assert max(x for x, _ in own) < 24
        cells |= own


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_log_is_on_the_page(field: str) -> None:
    assert f"| `{field}` |" in PAGE


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_check_of_the_doctor_is_on_the_page(check: Any) -> None:
    assert f"| {check.__name__.replace('_', ' ')} |" in PAGE
