"""Fills the wiki with accounts for those who were there before Landbridge, and with their pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox.company import DATA, Company, Person
from sandbox.mediawiki_client import MediaWikiClient, MediaWikiError

PAGES: Path = DATA / "pages.yaml"
TAG = "landbridge"


def fill(admin: MediaWikiClient, company: Company, password: str) -> None:
    """Everyone gets this password. What is there already, after an interrupted filling, is not made again."""
    ensure_tag(admin)
    for person in company.in_chat():
        ensure_account(admin, person, password)
    for page in pages():
        author = MediaWikiClient(admin.url, company.by_user_name[page["author"]].full_name, password)
        there = author.page(page["title"])
        # The installer has made a main page of its own.
        if there is None or there.user == "MediaWiki default":
            author.write(page["title"], page["text"].strip())


def pages() -> list[dict[str, Any]]:
    return list(yaml.safe_load(PAGES.read_text(encoding="utf-8")))


def ensure_account(admin: MediaWikiClient, person: Person, password: str) -> None:
    """Colleagues bear their full names in the wiki."""
    _account(admin, person.full_name, password, email=person.email, realname=person.full_name)


def ensure_bot(admin: MediaWikiClient, name: str, password: str) -> None:
    _account(admin, name, password)
    token = admin.query(meta="tokens", type="userrights")["tokens"]["userrightstoken"]
    admin.post("userrights", user=name, add="landbridge", token=token)


def _account(admin: MediaWikiClient, name: str, password: str, **more: str) -> None:
    token = admin.query(meta="tokens", type="createaccount")["tokens"]["createaccounttoken"]
    wanted = {"username": name, "password": password, "retype": password, **more}
    answer = admin.post("createaccount", createtoken=token, createreturnurl=admin.url, **wanted)["createaccount"]
    if answer["status"] != "PASS" and answer.get("messagecode") != "userexists":
        raise MediaWikiError(str(answer.get("messagecode")), f"No account for {name}.")


def ensure_tag(admin: MediaWikiClient) -> None:
    try:
        admin.act("managetags", operation="create", tag=TAG, reason="Edits by Landbridge")
    except MediaWikiError as error:
        if error.code != "tags-create-already-exists":
            raise
