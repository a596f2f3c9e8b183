from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.apps.attacks import Attacker, attacks, left
from tests.apps.devtools import tab
from tests.apps.hosts import Host, publishing
from tests.apps.samples import ago, detail, issue, issue_list, refusal, result
from tests.sourcemaps.browsers import browsing

from provenance_server.apps import issues_app

ENTER = ("Enter", 13, "\r")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Run one Chromium for all."""
    with publishing() as site, browsing(tmp_path_factory.mktemp("profile")) as browser, tab(browser.port) as running:
        yield Host(running, site)


@pytest.fixture
def host(opened: Host) -> Host:
    """Show a new view in a host that sets the policy of MCP Apps."""
    opened.open()
    return opened


def _row(host: Host, number: int) -> list[str]:
    return host.texts(f"tbody tr:nth-child({number}) > *")


def _calls(host: Host) -> list[Any]:
    return host.received("tools/call")


def test_what_is_said_of_the_view_has_the_shape_that_hosts_read() -> None:
    assert issues_app.TOOL_META == {"ui": {"resourceUri": issues_app.URI, "visibility": ["model", "app"]}}
    meta = issues_app.contents_meta()["ui"]
    assert meta["prefersBorder"] is True
    assert not any(meta["csp"].values())
    assert issues_app.html().startswith("<!doctype html>")
    assert issues_app.html() is issues_app.html()


def test_the_view_introduces_itself_and_loads_nothing_else(host: Host) -> None:
    methods = [message["method"] for message in host.tab.run("host.received")]

    assert methods[:2] == ["ui/initialize", "ui/notifications/initialized"]
    assert host.received("ui/initialize") == [
        {
            "protocolVersion": "2026-01-26",
            "appInfo": {"name": "provenance-issues", "title": "Provenance issues", "version": "1"},
            "appCapabilities": {"availableDisplayModes": ["inline", "fullscreen"]},
        }
    ]
    assert host.text("#status") == "Waiting for the answer…"
    assert [path.split("?")[0] for path in host.site.asked] == ["/host", "/view"]
    assert host.tab.problems == []


def test_the_host_is_told_of_the_size(host: Host) -> None:
    host.tab.wait("host.received.some(({method}) => method === 'ui/notifications/size-changed')")
    before = host.received("ui/notifications/size-changed")[-1]
    host.give(issue_list(*(issue(number) for number in range(20))))
    host.tab.wait(f"host.frame.offsetHeight > {before['height']} + 300")

    size = host.received("ui/notifications/size-changed")[-1]
    assert size["width"] == host.view("innerWidth")
    assert host.view("document.documentElement.scrollHeight") <= size["height"]


def test_a_list_shows_facts_beside_what_was_reported(host: Host) -> None:
    second = issue(2, status="resolved", eventCount=1, lastSeen=ago(days=1, hours=2))
    del second["lastRelease"], second["userCount"]
    second["reported"] = {"title": "boom", "lastRelease": "nightly"}
    host.give(issue_list(issue(1), second, total=41))

    columns = ["Issue", "Status", "reported by the application", "Events", "Users", "Last seen", "Release", "Trend"]
    assert host.texts("thead th") == columns
    assert host.text("caption") == "2 of 41 issues"
    said = "ValueError: 1shop.cart in total error"
    assert _row(host, 1) == ["SHOP-1", "open", said, "12", "3", "3 hours ago", "1.3", ""]
    assert _row(host, 2) == [
        "SHOP-2",
        "resolved",
        "boom",
        "1",
        "",
        "1 day ago",
        "nightlyreported by the application",
        "",
    ]
    assert host.texts(".reported .title") == ["ValueError: 1", "boom"]
    assert host.text("#status") == ""
    assert "Next page" not in host.text()


def test_the_trend_is_a_sparkline_that_is_told_in_words(host: Host) -> None:
    host.give(issue_list(issue(1)) | {"_meta": {"provenance/trend": {"SHOP-1": [0, 2, 8]}}})

    assert host.view("document.querySelector('td svg').getAttribute('role')") == "img"
    label = host.view("document.querySelector('td svg').getAttribute('aria-label')")
    assert label == "SHOP-1, events per hour, oldest first: 0 2 8"
    assert host.view("[...document.querySelectorAll('td svg rect')].map((bar) => bar.height.baseVal.value)") == [
        0.5,
        6,
        24,
    ]
    assert host.view("document.querySelector('td svg').getBoundingClientRect().height") == 24


def test_a_list_needs_no_trend(host: Host) -> None:
    host.give(result({"items": [issue(1)], "total": 1}))

    assert _row(host, 1)[-1] == ""
    host.give(issue_list())
    assert "No issues." in host.text()


def test_a_row_opens_its_issue_and_back_returns_to_it(host: Host) -> None:
    host.ready(result=detail(2))
    host.give(issue_list(issue(1), issue(2)), status="open")
    host.view("document.querySelector('tbody tr:nth-child(2) td:nth-child(4)').click()")
    host.wait("document.querySelector('h2').textContent.startsWith('SHOP-2')")

    assert _calls(host) == [{"name": "get_error_issue", "arguments": {"issueId": "SHOP-2"}}]
    assert host.view("document.activeElement.tagName") == "H2"
    host.click("Back to the list")
    assert host.view("document.activeElement.textContent") == "SHOP-2"
    assert len(host.texts("tbody tr")) == 2


def test_keys_open_an_issue(host: Host) -> None:
    host.give(issue_list(issue(1)))
    host.view("document.querySelector('tbody button').focus()")
    host.tab.press(*ENTER)
    host.settle()

    assert _calls(host) == [{"name": "get_error_issue", "arguments": {"issueId": "SHOP-1"}}]
    assert host.text("#status") == "Loading SHOP-1…"


def test_the_next_page_has_the_same_arguments_and_the_cursor(host: Host) -> None:
    host.ready(result=issue_list(issue(2), total=3, cursor="c2"))
    host.ready(result=issue_list(issue(3), total=3))
    host.give(issue_list(issue(1), total=3, cursor="c1"), origin="shop", limit=1)
    host.click("Next page")
    host.wait("document.querySelector('tbody').textContent.includes('SHOP-2')")
    host.click("Next page")
    host.wait("document.querySelector('tbody').textContent.includes('SHOP-3')")

    given = {"origin": "shop", "limit": 1}
    assert _calls(host) == [
        {"name": "get_error_issues", "arguments": given | {"cursor": "c1"}},
        {"name": "get_error_issues", "arguments": given | {"cursor": "c2"}},
    ]
    assert host.texts("button:not(.id)") == ["Previous page"]
    host.click("Previous page")
    assert host.texts("tbody button") == ["SHOP-2"]
    host.click("Previous page")
    assert host.texts("tbody button") == ["SHOP-1"]
    assert host.texts("button:not(.id)") == ["Next page"]


def test_an_answer_to_an_older_question_is_dropped(host: Host) -> None:
    host.give(issue_list(issue(1), issue(2)))
    host.click("SHOP-1")
    host.tab.wait("host.unanswered.length")
    host.ready(result=detail(2))
    host.click("SHOP-2")
    host.wait("document.querySelector('h2').textContent.startsWith('SHOP-2')")
    host.tab.run(f"host.post({{id: host.unanswered[0].id, result: {json.dumps(detail(1))}}})")
    host.settle()

    assert host.text("h2").startswith("SHOP-2")


def test_a_refused_call_is_told_and_leaves_the_list(host: Host) -> None:
    host.ready(result=refusal("No issue 'SHOP-1'."))
    host.ready(error={"code": -32603, "message": "The user said no."})
    host.give(issue_list(issue(1)))
    host.click("SHOP-1")
    host.wait("document.querySelector('#problem').textContent")

    assert host.text("#problem") == "No issue 'SHOP-1'."
    assert host.view("document.querySelector('#problem').getAttribute('role')") == "alert"
    host.click("SHOP-1")
    host.wait("document.querySelector('#problem').textContent === 'The user said no.'")
    assert host.texts("tbody button") == ["SHOP-1"]
    assert host.text("#status") == ""


@pytest.mark.parametrize(
    ("method", "parameters", "text"),
    [
        ("ui/notifications/tool-result", refusal("No origin <b>x</b>.\nName one."), "No origin <b>x</b>.\nName one."),
        ("ui/notifications/tool-result", refusal("It failed.") | {"structuredContent": {"items": []}}, "It failed."),
        ("ui/notifications/tool-result", {"content": []}, "There is nothing to show."),
        ("ui/notifications/tool-cancelled", {"reason": "user action"}, "The call was cancelled."),
    ],
)
def test_a_call_without_an_answer_is_told(host: Host, method: str, parameters: dict[str, Any], text: str) -> None:
    host.tell(method, parameters)

    assert host.text("#problem") == text
    assert host.text("#status") == ""


def test_an_issue_is_shown_with_all_that_is_known_of_it(host: Host) -> None:
    host.give(detail(), issueId="SHOP-1")

    assert host.text("h2") == "SHOP-1 open"
    facts = dict(
        zip(
            host.texts("#content > dl:nth-of-type(1) > dt"),
            host.texts("#content > dl:nth-of-type(1) > dd"),
            strict=True,
        )
    )
    assert facts["event count"] == "12"
    assert facts["first seen"] == "2026-11-20 10:00 UTC"
    assert facts["resolved in"] == "1.2"
    assert facts["trust"] == "authenticated: 3, matched: 2"
    assert host.texts("figcaption") == ["Events per day, last 7 days", "Events per hour, last 24 hours"]
    assert host.view("[...document.querySelectorAll('figure svg')].map((each) => each.children.length)") == [7, 24]
    assert host.texts("#content > ol > li") == [
        "2026-11-21 08:30 UTC open → resolved in 1.2 by ada with mcp:claude, event e-7Fixed the sum.\nSee the test."
    ]
    assert _row(host, 1) == ["1.3", "yes", "4", "2 days ago", "1 hour ago"]
    assert _row(host, 2)[:3] == ["nightlyreported by the application", "no", "2"]
    said, event = host.texts("section.reported")
    assert said.startswith("reported by the applicationValueError: 1")
    assert "browser=Safari96% here, 12% elsewhere" in said
    assert "browserChrome 120: 5, Safari: 1" in said
    assert "requestline: GET /cart" in event
    assert host.texts("section.reported ol li") == ["clicked buy", "GET /price"]
    assert "Back to the list" not in host.text()


def test_lines_of_the_application_stand_out_in_its_stack(host: Host) -> None:
    host.give(detail())

    stack = detail()["structuredContent"]["event"]["reported"]["stack"]
    assert host.view("document.querySelector('pre').textContent") == stack + "\n"
    assert host.texts("pre .in-app") == ["> shop/cart.py:7 in total"]
    assert host.view("document.querySelector('section.reported pre').tabIndex") == 0


def test_an_issue_may_lack_what_is_optional(host: Host) -> None:
    host.give(result({"shortId": "SHOP-9", "status": "open", "withheld": True, "reported": {}}))

    assert "withheld" in host.text()
    assert host.tab.problems == []
    host.give(result({"items": [{"shortId": "SHOP-9", "withheld": True}]}))
    assert _row(host, 1) == ["SHOP-9", "", "(withheld)", "", "", "", "", ""]
    assert host.tab.problems == []


def test_nothing_changes_an_issue(host: Host) -> None:
    host.give(issue_list(issue(1), cursor="c"))
    buttons = host.texts("button")
    host.give(detail())

    assert buttons + host.texts("button") == ["SHOP-1", "Next page", "Back to the list"]
    assert host.view("document.querySelectorAll('a, form, input, img, iframe').length") == 0


def _ground(host: Host) -> str:
    return host.view("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_that_of_the_host(opened: Host) -> None:
    opened.open({"theme": "dark", "styles": {"variables": {"--color-text-primary": "rgb(1, 2, 3)"}}})

    assert _ground(opened) == "rgb(26, 27, 30)"
    assert opened.view("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
    opened.tell("ui/notifications/host-context-changed", {"theme": "light"})
    assert _ground(opened) == "rgb(255, 255, 255)"
    assert opened.view("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"


def test_without_a_theme_it_is_that_of_the_browser(host: Host) -> None:
    def prefer(scheme: str) -> str:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        host.tab.call("Emulation.setEmulatedMedia", host.tab.frame, features=features)
        return _ground(host)

    assert prefer("dark") == "rgb(26, 27, 30)"
    assert prefer("light") == "rgb(255, 255, 255)"


@pytest.fixture
def narrow(opened: Host) -> Iterator[Host]:
    """Show a new view that is 320 pixels wide."""
    opened.tab.call("Emulation.setDeviceMetricsOverride", width=320, height=800, deviceScaleFactor=1, mobile=False)
    opened.open()
    yield opened
    opened.tab.call("Emulation.clearDeviceMetricsOverride")


def test_a_narrow_view_scrolls_downward_only(narrow: Host) -> None:
    long = {"title": "x" * 300, "culprit": "y" * 300, "level": "error"}
    for shown in (issue_list(issue(1, reported=long)), detail(reported=long | {"tags": {"k" * 40: {"v" * 80: 1}}})):
        narrow.give(shown)

        assert narrow.view("innerWidth") == 320
        root = "document.documentElement"
        assert narrow.view(f"{root}.scrollWidth - {root}.clientWidth") == 0


def test_a_table_is_one_for_screen_readers_however_narrow(narrow: Host) -> None:
    narrow.give(issue_list(issue(1)))
    nodes = narrow.tab.call("Accessibility.getFullAXTree", narrow.tab.frame)["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    names = {node["name"]["value"] for node in nodes if node["role"]["value"] == "columnheader"}

    assert [roles.count(role) for role in ("table", "row", "rowheader", "cell")] == [1, 2, 1, 7]
    assert {"Issue", "Events", "reported by the application"} <= names


def test_a_request_of_the_host_is_answered(host: Host) -> None:
    assert host.request("ui/resource-teardown")["result"] == {}
    assert host.request("tools/list")["error"]["code"] == -32601


def test_only_the_host_is_heard(host: Host) -> None:
    message = {"jsonrpc": "2.0", "method": "ui/notifications/tool-result", "params": issue_list(issue(1))}
    posted = f"parent.document.querySelector('iframe').contentWindow.postMessage({json.dumps(message)}, '*')"
    other = "document.body.appendChild(document.createElement('iframe')).contentWindow"
    host.tab.run(f"{other}.eval({json.dumps(posted)})")
    host.settle()
    heard = host.text("#content")
    host.tab.run(f"host.post({json.dumps(message)})")
    host.settle()

    assert heard == ""
    assert "SHOP-1" in host.text("#content")


def _shown(host: Host, text: str) -> tuple[list[str], str, int]:
    """Show a list and an issue full of a text: their elements, what they say, and how often the text is in them."""
    attacker = Attacker(text)
    listed = issue(1)
    del listed["lastRelease"]
    listed["reported"]["lastRelease"] = "1.3"
    full = detail(reported=listed["reported"] | detail()["structuredContent"]["reported"])
    elements: list[str] = []
    said = ""
    for shown in (issue_list(listed), full):
        host.give(attacker.wrote(shown))
        every = "[...document.querySelectorAll('*')]"
        elements += host.view(f"{every}.map((each) => each.tagName)")
        said += host.view("document.querySelector('#content').textContent")
        values = host.view(f"{every}.flatMap((each) => [...each.attributes]).map(({{value}}) => value)")
        assert not [value for value in values if text in value]
    return elements, said, attacker.times


@pytest.mark.parametrize("policy", ["strict", "lax"])
def test_hostile_reports_are_only_ever_text(opened: Host, policy: str) -> None:
    opened.open(policy=policy)
    harmless, _, _ = _shown(opened, "harmless")

    for attack in attacks(opened.site.url):
        elements, said, times = _shown(opened, attack)
        assert elements == harmless
        assert said.count(attack) == times == 25
    elements, said, _ = _shown(opened, "\u202etxt.exe\u2066 \u200fevil\u2069")
    assert elements == harmless
    assert r"\u{202e}txt.exe\u{2066} \u{200f}evil\u{2069}" in said
    assert not set(said) & set("\u202e\u2066\u2069\u200f")
    assert left(opened) == {"ran": None, "dialogs": [], "asked": [], "requested": []}


def test_the_host_would_notice_an_attack(opened: Host) -> None:
    opened.open(policy="lax")
    attack = attacks(opened.site.url)[1]
    opened.view(f"void document.body.insertAdjacentHTML('beforeend', {json.dumps(attack)})")
    opened.wait("window.ran === 1")

    found = left(opened)
    assert found["ran"] == 1
    assert found["dialogs"] == ["1"]
    assert "/leak-image" in found["asked"]
    assert "/leak-image" in found["requested"]


def test_the_strict_host_refuses_every_way_to_parse_html(host: Host) -> None:
    refused = host.view("(() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } })()")

    assert refused == "TypeError"
