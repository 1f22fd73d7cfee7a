"""The service list's data model. The contract is section 5 of the design.

A field that is not known is absent, never guessed.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,39}$")]
PartialDate = Annotated[str, StringConstraints(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-([0-2]\d|3[01]))?)?$")]
MIN_QUESTIONS = 8


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kind(StrEnum):
    """``referral``: another office's matter; we say which office and which number."""

    SERVICE = "service"
    REFERRAL = "referral"


class Category(StrEnum):
    """The group a service is listed under; one file per category."""

    OVERVIEW = "overview"
    ALLOWANCE = "allowance"
    SOCIAL_AID = "social_aid"
    HOME_CARE = "home_care"
    ASSESSMENT = "assessment"
    COMMUNITY = "community"
    INSTITUTION = "institution"
    DEMENTIA = "dementia"
    CARER = "carer"
    ADVISOR = "advisor"
    MUTUAL_HELP = "mutual_help"
    VISITING = "visiting"
    PREFERENTIAL = "preferential"
    HEALTH = "health"
    LEARNING = "learning"
    RIGHTS = "rights"
    SAFETY = "safety"
    REFERRAL = "referral"


class Confidence(StrEnum):
    """``high``: the source was read; ``medium``: common knowledge or second hand."""

    HIGH = "high"
    MEDIUM = "medium"


class Condition(_Model):
    """What one person must be like. All given fields must hold; absent means "any".

    Ages are in full years, both ends included; care levels are those of the unified
    needs assessment (1 to 6), both ends included.
    """

    min_age: int | None = Field(None, ge=0, le=130)
    max_age: int | None = Field(None, ge=0, le=130)
    hukou: Literal["shanghai", "elsewhere"] | None = None
    resident: bool | None = None  # lives in Shanghai for good; hukou does not matter
    residence_permit: bool | None = None
    insured: bool | None = None  # Shanghai employees' or residents' medical insurance
    min_care_level: int | None = Field(None, ge=1, le=6)
    max_care_level: int | None = Field(None, ge=1, le=6)
    income: tuple[Literal["dibao", "dibao_margin", "low_income", "rigid_spending", "tekun", "low_pension"], ...] = ()
    lives_alone: bool | None = None
    childless: bool | None = None
    lost_only_child: bool | None = None
    dementia: bool | None = None
    disabled: bool | None = None
    severely_disabled: bool | None = None
    veteran: bool | None = None
    is_carer: bool | None = None
    frail: bool | None = None  # needs a hand in daily life, assessed or not
    no_guardian: bool | None = None
    has_capacity: bool | None = None  # able to decide for oneself (行为能力)

    @model_validator(mode="after")
    def _ranges_run_upwards(self) -> Condition:
        if self.min_age is not None and self.max_age is not None and self.min_age > self.max_age:
            raise ValueError("min_age is above max_age")
        levels = (self.min_care_level, self.max_care_level)
        if levels[0] is not None and levels[1] is not None and levels[0] > levels[1]:
            raise ValueError("min_care_level is above max_care_level")
        return self


class Eligibility(Condition):
    """Who can have the service: all own fields and, where given, one of ``any_of``.

    ``also`` are conditions in words that only an office can settle: with them nobody is
    told "yes" for certain.
    """

    any_of: tuple[Condition, ...] = ()
    also: tuple[Text, ...] = ()


class FactKind(StrEnum):
    """What a figure measures."""

    PAYS = "pays"  # money a person gets
    COSTS = "costs"  # money a person pays
    SHARE = "share"  # the part of a cost that is borne, in %
    HELP = "help"  # visits, hours, pieces of help
    TIME = "time"  # a time limit, a validity, hours of service
    COUNT = "count"  # places, people, rules: nothing one person gets or pays


class Fact(_Model):
    """One figure: "150 元 per 月 for people of 70 to 79"."""

    kind: FactKind
    label: Text  # for whom or what, as shown: 70到79岁
    value: float | None = None
    min_value: float | None = None
    max_value: float | None = None
    unit: Text  # 元, 小时, 次, %, 张, 家, 年, 月, 天 …
    per: Text | None = None  # 月, 周, 次, 人每月 …; absent for one-off figures and counts
    condition: Condition | None = None
    current: bool = True  # False: a past figure, only ever shown with its year
    as_of: PartialDate | None = None  # when it differs from the source's

    @model_validator(mode="after")
    def _has_a_figure(self) -> Fact:
        if self.value is None and self.min_value is None and self.max_value is None:
            raise ValueError("a fact needs value, or min_value and/or max_value")
        if not self.current and self.as_of is None:
            raise ValueError("a past figure (current: false) needs as_of, its year")
        return self


class Payday(_Model):
    """When money comes: on ``day`` of each of ``months``."""

    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(min_length=1)
    day: int = Field(ge=1, le=28)


class Standard(_Model):
    """服务标准: one plain sentence, and the figures as data."""

    text: Text
    facts: tuple[Fact, ...] = ()
    personal: bool = False  # True: the facts are what one person gets, pays or uses
    payday: Payday | None = None


class Apply(_Model):
    """How to get it."""

    steps: tuple[Text, ...] = Field((), max_length=5)
    documents: tuple[Text, ...] = Field((), max_length=8)
    where: Text | None = None
    online: Text | None = None
    time_limit: Text | None = None


class Contact(_Model):
    """Whom to ring. ``phone`` is a number a telephone can dial."""

    name: Text
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9][0-9-]{2,15}$")]


class Source(_Model):
    """Where it was read. ``url`` is shown to users only when ``link_safe``."""

    title: Text
    url: Text | None = None
    link_safe: bool = False
    as_of: PartialDate | None = None
    confidence: Confidence


class Topic(_Model):
    """A question that comes up about this service, with its own answer: 卡丢了怎么办.

    It answers where one of ``words`` stands in the question, whatever the aspect; & joins
    words that must all stand there.
    """

    words: tuple[Text, ...] = Field(min_length=1)
    text: Text
    source: Text | None = None  # where it is from, if not from the service's own sources


class Service(_Model):
    """One entry of the service list."""

    id: Slug
    name: Text
    aliases: tuple[Text, ...] = ()
    kind: Kind = Kind.SERVICE
    category: Category
    region: Literal["national", "shanghai"]
    summary: Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=40)]
    who: Text | None = None
    eligibility: Eligibility | None = None
    suits: Condition | None = None  # of use only to these; the finder leaves it out for others
    content: Text
    standard: Standard | None = None
    timing: Text | None = None  # when it is paid or open, how long it takes
    caution: Text | None = None  # what a user must know before relying on it
    lead: Text | None = None
    funding: Text | None = None
    apply: Apply = Apply()
    contact: tuple[Contact, ...] = Field(min_length=1, max_length=3)
    topics: tuple[Topic, ...] = ()
    benefit: int | None = Field(None, ge=1, le=9)  # the finder lists it; 1 comes first
    questions: tuple[Text, ...] = Field(min_length=MIN_QUESTIONS)
    related: tuple[Slug, ...] = ()
    sources: tuple[Source, ...] = Field(min_length=1)
    review_by: date
    valid_to: date | None = None

    @field_validator("questions", "aliases")
    @classmethod
    def _no_repeats(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        bare = [re.sub(r"[\s\W]+", "", value).lower() for value in values]
        repeated = [value for value, key in zip(values, bare, strict=True) if bare.count(key) > 1]
        if repeated:
            raise ValueError(f"«{repeated[0]}» stands here twice")
        return values

    @model_validator(mode="after")
    def _referral_ids_begin_with_ref(self) -> Service:
        if (self.kind is Kind.REFERRAL) != self.id.startswith("ref_"):
            raise ValueError("a referral's id begins with ref_, and no other id does")
        return self
