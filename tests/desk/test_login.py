"""Who gets in at the desk, and how far."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from bot.cli import app as cli
from bot.desk.accounts import Accounts, LoginRefused
from storage.audit import Audit
from storage.database import Database
from tests.auxil.booking import Clock
from tests.bot.test_path import database, library  # noqa: F401
from tests.desk.conftest import HERE, DeskTab, code

PAGES = ["/desk", "/desk/staff", "/desk/audit"]


def test_a_login_needs_name_password_and_code(accounts: Accounts, clock: Clock) -> None:
    made = accounts.add("wang", "王顾问", "clerk", "staff:test")
    for name, password, given in (
        ("li", made.password, code(made, clock())),
        ("wang", "wrong", code(made, clock())),
        ("wang", made.password, "000000"),
        ("wang", made.password, "１２３４５６"),
    ):
        with pytest.raises(LoginRefused):
            accounts.log_in(name, password, given)
    member = accounts.member(accounts.log_in("wang", made.password, code(made, clock())))
    assert member is not None
    assert (member.name, member.role) == ("wang", "clerk")


def test_a_code_works_once(accounts: Accounts, clock: Clock) -> None:
    made = accounts.add("wang", "王顾问", "clerk", "staff:test")
    given = code(made, clock())
    accounts.log_in("wang", made.password, given)
    with pytest.raises(LoginRefused):
        accounts.log_in("wang", made.password, given)


def test_five_wrong_logins_lock_for_fifteen_minutes_even_for_the_right_one(accounts: Accounts, clock: Clock) -> None:
    made = accounts.add("wang", "王顾问", "clerk", "staff:test")
    for _ in range(5):
        with pytest.raises(LoginRefused):
            accounts.log_in("wang", "wrong", "1")
    with pytest.raises(LoginRefused):
        accounts.log_in("wang", made.password, code(made, clock()))
    clock.forward(minutes=16)
    assert accounts.log_in("wang", made.password, code(made, clock()))


def test_a_session_ends_when_idle_and_after_its_longest_time(accounts: Accounts, clock: Clock) -> None:
    made = accounts.add("wang", "王顾问", "clerk", "staff:test")
    token = accounts.log_in("wang", made.password, code(made, clock()))
    for _ in range(23):
        clock.forward(minutes=29)
        assert accounts.member(token), clock()
    clock.forward(minutes=31)
    assert accounts.member(token) is None
    token = accounts.log_in("wang", made.password, code(made, clock()))
    for _ in range(26):
        clock.forward(minutes=28)
        accounts.member(token)
    assert accounts.member(token) is None


def test_who_is_disabled_is_out_at_once(login: Callable[..., DeskTab], accounts: Accounts) -> None:
    tab = login()
    assert tab.get("/desk").status_code == 200
    accounts.book.set_state("wang", "disabled")
    assert tab.get("/desk").url.path == "/desk/login"


@pytest.mark.parametrize("path", PAGES)
def test_without_a_login_every_page_leads_to_it(desk_app: FastAPI, path: str) -> None:
    tab = DeskTab(desk_app, follow_redirects=False)
    answer = tab.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/login")


def test_a_role_reaches_only_so_far(login: Callable[..., DeskTab]) -> None:
    clerk, admin = login(), login("chen", "admin")
    assert clerk.get("/desk/staff").status_code == 403
    assert clerk.act("/desk/staff", act="add", name="evil", called="x", role="admin").status_code == 403
    assert admin.get("/desk/staff").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://elsewhere.example"}])
def test_a_form_from_elsewhere_changes_nothing(
    login: Callable[..., DeskTab], accounts: Accounts, headers: dict[str, str]
) -> None:
    admin = login("chen", "admin")
    before = accounts.book.all()
    assert admin.act("/desk/staff", headers, act="add", name="evil", called="x", role="admin").status_code == 403
    assert admin.post("/desk/staff", data={"act": "add", "name": "evil"}, headers=HERE).status_code == 403
    assert accounts.book.all() == before


def test_the_administrator_adds_changes_and_disables(login: Callable[..., DeskTab], accounts: Accounts) -> None:
    admin = login("chen", "admin")
    shown = admin.act("/desk/staff", act="add", name="li", called="李顾问", role="clerk").text
    assert "只显示这一次" in shown
    assert "已经有人用了" in admin.act("/desk/staff", act="add", name="li", called="李", role="clerk").text
    admin.act("/desk/staff", act="role", name="li", role="editor")
    admin.act("/desk/staff", act="disable", name="li")
    (li,) = (each for each in accounts.book.all() if each.name == "li")
    assert (li.role, li.state) == ("editor", "disabled")
    assert admin.act("/desk/staff", act="disable", name="chen").status_code == 403


def test_logins_and_changes_are_audited(login: Callable[..., DeskTab], database: Database, clock: Clock) -> None:
    admin = login("chen", "admin")
    admin.act("/desk/staff", act="add", name="li", called="李顾问", role="clerk")
    acts = [(line.actor, line.act, line.about) for line in Audit(database, clock).latest(10)]
    assert ("staff:chen", "login", "") in acts
    assert ("staff:chen", "staff_add", "li (clerk)") in acts
    assert "staff_add" in admin.get("/desk/audit").text


def test_many_tries_from_one_address_are_put_off(desk_app: FastAPI) -> None:
    tab = DeskTab(desk_app)
    given = [tab.post("/desk/login", data={"name": f"n{n}"}, headers=HERE).status_code for n in range(62)]
    assert given[-1] == 429


def test_the_command_adds_lists_and_disables(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))
    run = CliRunner().invoke
    added = run(cli, ["desk-user", "add", "wang", "--role", "editor", "--called", "王顾问"])
    assert "password: " in added.stdout
    assert run(cli, ["desk-user", "add", "wang"]).exit_code == 1
    assert "there is a wang already" in run(cli, ["desk-user", "add", "wang"]).stderr
    assert "2 to 40" in run(cli, ["desk-user", "add", "王"]).stderr
    assert run(cli, ["desk-user", "disable", "wang"]).exit_code == 0
    assert "editor   disabled  王顾问" in run(cli, ["desk-user", "list"]).stdout
    assert "there is no li" in run(cli, ["desk-user", "renew", "li"]).stderr


def test_a_form_that_cannot_be_read_gives_a_plain_page(login: Callable[..., DeskTab]) -> None:
    admin = login("chen", "admin")
    answer = admin.act("/desk/staff", act="add", name="王", called="x" * 99)
    assert answer.status_code == 422
    assert "填得不对" in answer.text
