"""The optional reranker, with a tiny cross-encoder made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import EncoderUnavailable
from knowledge.reranker import Reranker
from knowledge.search import Match

MATCHES = [Match("a", 0.8, "助餐"), Match("b", 0.5, "长护险"), Match("c", 0.2, "喘息服务")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    made = tmp_path_factory.mktemp("cross")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"没人烧饭长护险喘息服务助餐"]
    (made / "vocab.txt").write_text("\n".join(dict.fromkeys(words)), encoding="utf-8")
    BertTokenizer(str(made / "vocab.txt")).save_pretrained(made)
    config = BertConfig(
        vocab_size=len(set(words)),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(made)
    return str(made)


def test_the_order_is_the_models_and_the_scores_keep_their_places(folder: str) -> None:
    model = Reranker(folder)
    read = model._model.predict([("没人烧饭", match.passage) for match in MATCHES], show_progress_bar=False)
    found = model.order("没人烧饭", MATCHES)
    assert [match.service_id for match in found] == [MATCHES[at].service_id for at in (-read).argsort(kind="stable")]
    assert [match.score for match in found] == [0.8, 0.5, 0.2]


def test_one_or_none_needs_no_order(folder: str) -> None:
    assert Reranker(folder).order("没人烧饭", MATCHES[:1]) == MATCHES[:1]
    assert Reranker(folder).order("没人烧饭", []) == []


def test_a_model_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="ADVISOR_RERANKER"):
        Reranker(str(tmp_path / "none"))
