"""Releases as sentry-cli makes, changes and deletes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin, payload, report

from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

ORGANIZATION = "/api/0/organizations/acme"
RELEASES = f"{ORGANIZATION}/releases/"

pytestmark = pytest.mark.usefixtures("origin")


def test_a_release_is_made_and_made_again(client: TestClient) -> None:
    body = {"version": "1.0.0", "projects": ["my-app"], "dateStarted": "2026-11-23T10:17:29.074765006Z"}

    first = client.post(RELEASES, json=body)
    released = client.post(RELEASES, json={**body, "projects": [], "dateReleased": "2026-11-23T10:17:29.074765006Z"})
    opened = client.post(RELEASES, json={"version": "1.0.0", "projects": [], "status": "open"})

    assert [answer.status_code for answer in (first, released, opened)] == [201, 200, 200]
    assert first.json()["newGroups"] == 0
    assert first.json()["projects"] == [{"id": 1, "slug": "my-app", "name": "My-App"}]
    assert opened.json()["dateReleased"] == "2026-11-23T10:17:29.074Z"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"version": "1.0.0"}, 400),
        ({"version": "1.0.0", "projects": ["nobody"]}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "status": "archived"}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "url": "javascript:1"}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "dateReleased": "soon"}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "commits": [1]}, 400),
        ({"version": "\n", "projects": ["my-app"]}, 400),
        ({"version": "\ud800", "projects": ["my-app"]}, 400),
        ({"version": "1.0.0", "projects": ["\x00"]}, 400),
        ({"version": ".", "projects": ["my-app"]}, 400),
        ({"version": "..", "projects": ["my-app"]}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "ref": "\x00"}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "url": "https://\ud800"}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "commits": [{"id": "\ud800"}]}, 400),
        ({"version": "1.0.0", "projects": ["my-app"], "refs": [{"commit": "a\x00"}]}, 400),
    ],
)
def test_a_wrong_release_is_refused(client: TestClient, body: dict[str, Any], status: int) -> None:
    answer = client.post(RELEASES, content=json.dumps(body), headers={"content-type": "application/json"})

    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("version", ["%00", "%ED%A0%80", "a%00b"])
def test_an_odd_version_in_a_path_is_not_found(client: TestClient, version: str) -> None:
    named = [client.get(f"{RELEASES}{version}/"), client.put(f"{RELEASES}{version}/", json={})]
    of_project = client.get(f"/api/0/projects/acme/{version}/releases/")

    assert {answer.status_code for answer in (*named, of_project)} <= {400, 404}


def test_texts_of_a_deploy_are_checked(client: TestClient) -> None:
    client.post(RELEASES, json={"version": "1.0.0", "projects": ["my-app"]})
    body = '{"environment": "production", "name": "\\ud800"}'
    answer = client.post(f"{RELEASES}1.0.0/deploys/", content=body)

    assert answer.status_code == 400


def test_the_newest_commit_is_the_ref(client: TestClient) -> None:
    client.post(RELEASES, json={"version": "1.0.0", "projects": ["my-app"]})
    commits = [
        {"id": "a" * 40, "timestamp": "2026-11-22T10:00:00Z"},
        {"id": "b" * 40, "timestamp": "2026-11-23T10:00:00Z"},
    ]

    by_commits = client.put(f"{RELEASES}1.0.0/", json={"commits": commits}).json()["ref"]
    by_refs = client.put(f"{RELEASES}1.0.0/", json={"refs": [{"repository": "r", "commit": "c" * 40}]}).json()["ref"]
    cleared = client.put(f"{RELEASES}1.0.0/", json={"refs": []}).json()["ref"]

    assert (by_commits, by_refs, cleared) == ("b" * 40, "c" * 40, "c" * 40)


def test_a_release_that_is_not_there_is_404(client: TestClient) -> None:
    answers = [
        client.get(f"{RELEASES}9/"),
        client.put(f"{RELEASES}9/", json={}),
        client.delete(f"{RELEASES}9/"),
        client.post(f"{RELEASES}9/deploys/", json={"environment": "production"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_version_may_hold_a_slash(client: TestClient) -> None:
    client.post(RELEASES, json={"version": "web/1.2", "projects": ["my-app"]})

    assert client.get(f"{RELEASES}web%2F1.2/").json()["version"] == "web/1.2"
    assert client.delete(f"{RELEASES}web%2F1.2/").status_code == 204


def test_a_release_that_only_events_mention_can_be_finalized(
    client: TestClient, store: Store, origin: OriginRecord
) -> None:
    report(store, origin, payload(release="2.0.0"))

    listed = client.get("/api/0/projects/acme/my-app/releases/").json()
    finalized = client.put(f"{RELEASES}2.0.0/", json={"dateReleased": "2026-11-23T10:00:00Z"}).json()

    assert [(one["version"], one["newGroups"]) for one in listed] == [("2.0.0", 1)]
    assert finalized["dateReleased"] == "2026-11-23T10:00:00.000Z"
    assert client.delete(f"{RELEASES}2.0.0/").status_code == 204


def test_a_release_of_several_projects_is_shown_as_one(client: TestClient, store: Store) -> None:
    make_origin(store, "worker")
    client.post(RELEASES, json={"version": "1.0.0", "projects": ["my-app", "worker"]})

    shown = client.get(f"{RELEASES}1.0.0/").json()
    listed = client.get(RELEASES).json()
    refused = client.delete(f"{RELEASES}1.0.0/")
    one = client.delete("/api/0/projects/acme/worker/releases/1.0.0/")

    assert [project["slug"] for project in shown["projects"]] == ["my-app", "worker"]
    assert [len(row["projects"]) for row in listed] == [2]
    assert (refused.status_code, one.status_code) == (409, 204)
    assert client.delete(f"{RELEASES}1.0.0/").status_code == 204


def test_there_is_one_organization_with_the_origins_as_projects(client: TestClient) -> None:
    (organization,) = client.get("/api/0/organizations/?cursor=").json()
    (project,) = client.get(f"{ORGANIZATION}/projects/?cursor=").json()

    assert {"id", "slug", "name", "dateCreated", "isEarlyAdopter", "require2FA", "features"} <= organization.keys()
    assert (project["id"], project["slug"]) == ("1", "my-app")
    assert client.get(f"{ORGANIZATION}/repos/").json() == []
    assert client.get("/api/0/").json()["user"] is None


def test_under_lockdown_releases_of_nobody_known_are_not_listed(
    client: TestClient, store: Store, origin: OriginRecord
) -> None:
    report(store, origin, *(payload(release=version) for version in ("shop@6", "shop@7")))
    client.post(RELEASES, json={"version": "1.0.0", "projects": ["my-app"]})

    listed = client.get(RELEASES, headers={"x-provenance-lockdown": "1"}).json()

    assert [(one["version"], len(one["projects"])) for one in listed] == [("1.0.0", 1)]
    assert len(client.get(RELEASES).json()) == 3
