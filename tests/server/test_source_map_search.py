"""Which map a frame is resolved by, where several might be it, and by which none is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.maps import crash, files, frame, script, source_map
from tests.server.source_maps import first_frame, put, reason, record, resolve

from provenance_core.events import Unresolved
from provenance_server.context import Context
from provenance_server.uploading import UploadTarget, upload

ONE_ID = "85314830-023f-4cf1-a267-535f4e37bb17"
OTHER = source_map(sources=["other/app.ts", "other/b.ts", "other/c.ts"])


def file_of(context: Context, given: Any, **more: Any) -> str | None:
    return resolve(context, given, **more).reported.frames[0].file


def images(address: str) -> list[dict[str, str]]:
    return [{"codeFile": address, "debugId": ONE_ID}]


def test_an_exact_map_goes_before_the_script_of_a_shorter_path(context: Context, tmp_path: Path) -> None:
    put(
        context,
        tmp_path,
        {"~/static/app.min.js.map": source_map(), "~/app.min.js": script(), "~/app.min.js.map": OTHER},
    )

    assert file_of(context, frame("checkout")) == "src/cart.ts"
    assert file_of(context, frame("checkout", url="https://shop.example/other/app.min.js")) == "other/app.ts"


@pytest.mark.parametrize(
    "address",
    [
        "/srv/app/node_modules/pg/lib/index.js",
        "https://cdn.jsdelivr.net/npm/pg/index.js",
        "moz-extension://abcd/index.js",
        "safari-web-extension://abcd/index.js",
        "async chrome-extension://abcd/index.js",
        "webkit-masked-url://hidden/index.js",
    ],
)
def test_what_is_not_the_applications_is_not_taken_for_it(context: Context, tmp_path: Path, address: str) -> None:
    put(context, tmp_path, {"~/index.js": script("index.js.map"), "~/index.js.map": source_map()})

    assert file_of(context, frame("checkout", url=address, inApp=False)) != "src/cart.ts"


def test_an_application_may_be_an_extension(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/index.js": script("index.js.map"), "~/index.js.map": source_map()})
    page = {"request": {"url": "moz-extension://abcd/popup.html"}}
    event = crash("checkout", url="moz-extension://abcd/index.js")

    assert first_frame(context, record(context, event)).unresolved is None
    assert first_frame(context, record(context, event | page)).file == "src/cart.ts"


def test_a_file_of_another_site_is_not_known_by_its_name_alone(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/index.js": script("index.js.map"), "~/index.js.map": source_map()})
    of_page = {"request": {"url": "https://www.shop.example/cart"}}
    put(context, tmp_path, {"~/v3/far.js": script("far.js.map"), "~/v3/far.js.map": source_map()})

    def recorded(address: str) -> str | None:
        return first_frame(context, record(context, crash("checkout", url=address) | of_page)).file

    assert recorded("https://js.stripe.com/v3/index.js") == "https://js.stripe.com/v3/index.js"
    assert recorded("https://js.stripe.com/a/v3/far.js") == "src/cart.ts"
    assert recorded("https://cdn.shop.example/v3/index.js") == "src/cart.ts"


def test_a_script_and_its_map_may_be_called_by_their_stem(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/app.min.js": script(None), "~/app.min.map": source_map()})

    assert file_of(context, frame("checkout")) == "src/cart.ts"


def test_what_browsers_percent_encode_is_found(context: Context, tmp_path: Path) -> None:
    put(
        context,
        tmp_path,
        {"~/chunks/[slug]/page.js": script("page.js.map"), "~/chunks/[slug]/page.js.map": source_map()},
    )

    assert file_of(context, frame("checkout", url="https://shop.example/chunks/%5Bslug%5D/page.js")) == "src/cart.ts"


def test_one_debug_id_of_two_scripts_leads_each_to_its_own_map(context: Context, tmp_path: Path) -> None:
    put(
        context,
        tmp_path,
        {
            "~/a.js": script("a.js.map", ONE_ID),
            "~/a.js.map": source_map(debugId=ONE_ID),
            "~/b.js": script("b.js.map", ONE_ID),
            "~/b.js.map": OTHER | {"debugId": ONE_ID},
        },
    )

    for address, file in (("https://h/a.js", "src/cart.ts"), ("https://h/b.js", "other/app.ts")):
        assert file_of(context, frame("checkout", url=address), debugImages=images(address)) == file


def test_a_debug_id_that_leads_to_no_map_does_not_hide_the_address(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/a.js": script(None, ONE_ID)}, release="0.9.0")
    put(context, tmp_path, {"~/a.js": script("a.js.map"), "~/a.js.map": source_map()})
    address = "https://h/a.js"

    assert file_of(context, frame("checkout", url=address), debugImages=images(address)) == "src/cart.ts"


def test_without_a_dist_only_what_is_the_same_in_all_is_used(context: Context, tmp_path: Path) -> None:
    for dist, document in (("ios", source_map()), ("android", OTHER)):
        named = {"~/a.js.map": document, "~/same.js.map": source_map()}
        upload(context, UploadTarget("shop", "1.0.0", dist), files(tmp_path, named))

    assert reason(context, frame("checkout", url="https://h/a.js")) is Unresolved.NO_ARTIFACT
    assert file_of(context, frame("checkout", url="https://h/a.js"), dist="ios") == "src/cart.ts"
    assert file_of(context, frame("checkout", url="https://h/same.js")) == "src/cart.ts"
