"""Pain 22: encoding many different Chinese texts without blanks makes a process grow for ever."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from knowledge.encoder import SentenceEncoder
from knowledge.field_encoder import field_encoder_name

ENCODES = 10_000 if os.environ.get("ADVISOR_SOAK") else 1_000
SETTLED = ENCODES // 4
GROWTH_MIB = 200 if os.environ.get("ADVISOR_SOAK") else 80
SIGNS = "老年人护理申请补贴长护险居家照护怎么办多少钱社区食堂家庭医生上门评估认知障碍喘息服务"


def rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_memory_stays_where_it_is_over_many_texts_from_four_threads() -> None:
    encoder, rng = SentenceEncoder(field_encoder_name()), random.Random(2)
    texts = ["".join(rng.choices(SIGNS, k=rng.randint(4, 60))) for _ in range(ENCODES)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda text: encoder.queries([text]), texts[:SETTLED]))
        settled = rss_mib()
        list(threads.map(lambda text: encoder.queries([text]), texts[SETTLED:]))
    assert rss_mib() - settled < GROWTH_MIB
    assert encoder.queries(["养老院" * 300]).shape[0] == 1
