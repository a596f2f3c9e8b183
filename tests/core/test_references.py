import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.sourcemaps.references import (
    ScriptReferences,
    inline_map,
    joined,
    map_debug_id,
    original_path,
    parse_debug_id,
    read_script,
    suffix_candidates,
    url_candidates,
)

ID = "e969f989-49ae-5d2b-a4d1-0a1e1d9fa1cb"
OTHER_ID = "11111111-2222-4333-8444-555555555555"
SNIPPET = (
    '!function(){try{var e="undefined"!=typeof window?window:{},n=(new e.Error).stack;n&&(e._sentryDebugIds='
    f'e._sentryDebugIds||{{}},e._sentryDebugIds[n]="{ID}",e._sentryDebugIdIdentifier="sentry-dbid-{ID}")}}catch(e){{}}}}();'
)


@pytest.mark.parametrize(
    ("script", "url", "debug_id"),
    [
        ("f()\n//# sourceMappingURL=app.js.map", "app.js.map", None),
        ("f()\n//# sourceMappingURL=app.js.map\n", "app.js.map", None),
        ("f()\r\n//# sourceMappingURL=app.js.map\r\n\r\n", "app.js.map", None),
        ("f()\n//@ sourceMappingURL=old.js.map", "old.js.map", None),
        ("f()\n\t  //#   sourceMappingURL=indented.js.map  ", "indented.js.map", None),
        ("f()\n//#sourceMappingURL=tight.js.map", "tight.js.map", None),
        ("f();//# sourceMappingURL=behind.js.map", "behind.js.map", None),
        ("f()\u2028//# sourceMappingURL=separator.js.map", "separator.js.map", None),
        (".a{}\n/*# sourceMappingURL=app.css.map */", "app.css.map", None),
        (".a{}/*# sourceMappingURL=app.css.map*/\n\n", "app.css.map", None),
        (f"f()\n//# sourceMappingURL=app.js.map\n//# debugId={ID}\n", "app.js.map", ID),
        (f"f()\n//# debugId={ID}\n//# sourceMappingURL=app.js.map\n\n", "app.js.map", ID),
        (f"\n{SNIPPET}\nf()\n//# sourceMappingURL=app.js.map\n\n//# debugId={ID}\n", "app.js.map", ID),
        (f"{SNIPPET}\nf()\n//# sourceMappingURL=app.js.map", "app.js.map", ID),
        (f"{SNIPPET}f()", None, ID),
        (f"f()\n//# debugId={ID.upper()}", None, ID),
        ("f()\n//# sourceMappingURL=app.js.map\n/*! license\n * of a library\n */\n// end\n", "app.js.map", None),
        ("f()\n//# sourceMappingURL=old.map\n//# sourceMappingURL=new.map", "new.map", None),
        ("//# sourceMappingURL=of-a-part.map\nf()", None, None),
        ("f()\n//# sourceMappingURL=of-a-part.map\nf()\n//# sourceMappingURL=whole.map", "whole.map", None),
        ('x="//# sourceMappingURL=text.map"', None, None),
        ('eval("f()\\n//# sourceMappingURL=data:application/json;base64,e30=\\n//# sourceURL=webpack")', None, None),
        ("const t=`\n//# sourceMappingURL=text.map\n`", None, None),
        ("f()\n// sourceMappingURL=no-mark.map", None, None),
        ("f()\n//# sourceMappingURL=", None, None),
        ("f()\n//# sourceMappingURL=two words.map", None, None),
        ("f()\n//# debugId=not-an-id", None, None),
        ("x='sentry-dbid-';y='sentry-dbid-%s'", None, None),
        ("", None, None),
        ("\n\n", None, None),
    ],
)
def test_a_script_says_where_its_map_is(script: str, url: str | None, debug_id: str | None):
    assert read_script(script) == ScriptReferences(url, debug_id)


def test_the_last_line_is_read_however_long_it_is():
    long = "data:application/json;base64," + "A" * 2_000_000

    assert read_script(f"f()\n//# sourceMappingURL={long}").source_map_url == long
    assert read_script(f"f();//# sourceMappingURL={long}\n//# debugId={ID}\n") == ScriptReferences(long, ID)


@pytest.mark.parametrize("end", [4, 5, 6, 7, 8, 20])
def test_a_comment_at_the_edge_of_what_is_read_is_whole(end: int):
    script = "f();\n" + "//# sourceMappingURL=" + "m" * (32 * 1024 - end) + "\n\n"

    assert read_script(script).source_map_url == "m" * (32 * 1024 - end)


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        "//#",
        "*/\n",
        "/*",
        "sourceMappingURL=",
        "//# sourceMappingURL=\n",
        "sentry-dbid-",
        " ",
        "//# debugId=",
        "a",
    ],
)
def test_a_hostile_script_takes_no_time(piece: str):
    script = piece * (4_000_000 // len(piece))
    start = time.process_time()

    read_script(script)
    read_script("x\n//# sourceMappingURL=" + script)

    assert time.process_time() - start < 2


@given(st.text(alphabet="/*#@ \n\r=asourceMappingURLdebugId'\"\u2028"))
def test_any_script_can_be_read(script: str):
    url = read_script(script + "\n//# sourceMappingURL=a.map").source_map_url

    assert url == "a.map"
    read_script(script)


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("data:application/json;base64,eyJhIjoxfQ==", b'{"a":1}'),
        ("data:application/json;charset=utf-8;base64,eyJhIjoxfQ", b'{"a":1}'),
        ("data:application/json;base64,eyJhIjoxfQ%3D%3D", b'{"a":1}'),
        ("DATA:application/json;BASE64,e30=", b"{}"),
        ("data:application/json,%7B%22a%22%3A1%7D", b'{"a":1}'),
        ("data:application/json;charset=utf-8,{}", b"{}"),
        ("data:,", b""),
        ("data:application/json;base64,e", None),
        ("data:application/json;base64", None),
        ("app.js.map", None),
        ("https://example.com/data:,x", None),
        ("", None),
    ],
)
def test_a_map_within_a_script_is_decoded(url: str, data: bytes | None):
    assert inline_map(url) == data


def test_a_map_within_a_script_is_no_longer_than_another():
    assert inline_map("data:," + "a" * (64 * 1024 * 1024 + 1)) is None


@pytest.mark.parametrize(
    ("text", "debug_id"),
    [
        (ID, ID),
        (ID.upper(), ID),
        (ID.replace("-", ""), ID),
        ("{" + ID + "}", ID),
        (f" {ID}\n", ID),
        ("00000000-0000-0000-0000-000000000000", None),
        (ID[:-1], None),
        (ID + "-1", None),
        (f"urn:uuid:{ID}", None),
        ("g" * 32, None),
        ("٣" * 32, None),
        ("", None),
        (None, None),
        (5, None),
        ([ID], None),
    ],
)
def test_a_debug_id_has_one_form(text: object, debug_id: str | None):
    assert parse_debug_id(text) == debug_id


def test_the_debug_id_of_a_map_has_two_names():
    assert map_debug_id({"debugId": ID}) == ID
    assert map_debug_id({"debug_id": ID, "debugId": OTHER_ID}) == ID
    assert map_debug_id({"debug_id": None, "debugId": OTHER_ID}) == OTHER_ID
    assert map_debug_id({"debug_id": 3}) is None
    assert map_debug_id({}) is None


@pytest.mark.parametrize(
    ("script", "reference", "name"),
    [
        ("~/static/app.min.js", "app.min.js.map", "~/static/app.min.js.map"),
        ("~/app.js", "app.js.map", "~/app.js.map"),
        ("~/static/js/app.js", "../maps/app.js.map", "~/static/maps/app.js.map"),
        ("~/static/app.js", "../../../app.js.map", "~/app.js.map"),
        ("~/static/app.js", "./app.js.map?v=3#x", "~/static/app.js.map"),
        ("~/static/app.js", "/maps/app.js.map", "~/maps/app.js.map"),
        ("~/static/app.js", "~/maps/app.js.map", "~/maps/app.js.map"),
        ("~/static/app.js", "https://cdn.example.com/m/app.js.map?x", "https://cdn.example.com/m/app.js.map"),
        ("~/static/app.js", "//cdn.example.com/app.js.map", "https://cdn.example.com/app.js.map"),
        ("http://shop.test/a/app.js", "//cdn.example.com/app.js.map", "http://cdn.example.com/app.js.map"),
        ("https://shop.test/static/app.js?v=1", "app.js.map", "https://shop.test/static/app.js.map"),
        ("https://shop.test/app.js", "../../app.js.map", "https://shop.test/app.js.map"),
        ("https://shop.test/static/app.js", "/maps/app.js.map", "https://shop.test/maps/app.js.map"),
        ("app:///_next/static/chunks/1.js", "1.js.map", "app:///_next/static/chunks/1.js.map"),
        ("app:///index.android.bundle", "index.android.bundle.map", "app:///index.android.bundle.map"),
        ("file:///C:/app/out/main.js", "main.js.map", "file:///C:/app/out/main.js.map"),
        (r"C:\app\out\main.js", r"maps\main.js.map", "C:/app/out/maps/main.js.map"),
        ("/srv/app/dist/main.js", "main.js.map", "/srv/app/dist/main.js.map"),
        ("/srv/app/dist/main.js", "/maps/main.js.map", "/maps/main.js.map"),
        ("dist/main.js", "main.js.map", "dist/main.js.map"),
        ("main.js", "main.js.map", "main.js.map"),
        ("./dist/main.js", "../../../etc/main.js.map", "etc/main.js.map"),
        ("chrome-extension://abcdef/js/bg.js", "bg.js.map", "chrome-extension://abcdef/js/bg.js.map"),
        ("~/a.js", "webpack://shop/a.js.map", "webpack://shop/a.js.map"),
        ("blob:https://shop.test/0d3e", "app.js.map", None),
        ("~/a.js", "blob:https://shop.test/0d3e", None),
        ("~/a.js", "data:application/json;base64,e30=", None),
        ("~/a.js", "", None),
        ("~/a.js", "?x", None),
        ("~/a.js", "a" * 5000, None),
    ],
)
def test_a_reference_is_joined_to_the_script(script: str, reference: str, name: str | None):
    assert joined(script, reference) == name


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "https://shop.test/static/app.js?v=1#top",
            (
                "https://shop.test/static/app.js?v=1",
                "https://shop.test/static/app.js",
                "~/static/app.js?v=1",
                "~/static/app.js",
            ),
        ),
        ("https://shop.test/assets/index-B1.js", ("https://shop.test/assets/index-B1.js", "~/assets/index-B1.js")),
        ("http://localhost:3000/app.js", ("http://localhost:3000/app.js", "~/app.js")),
        ("async https://shop.test/app.js", ("https://shop.test/app.js", "~/app.js")),
        (
            "app:///_next/static/chunks/app/page-1.js",
            ("app:///_next/static/chunks/app/page-1.js", "~/_next/static/chunks/app/page-1.js"),
        ),
        ("app:///index.android.bundle", ("app:///index.android.bundle", "~/index.android.bundle")),
        ("app://./out/main.js", ("app://./out/main.js", "~/out/main.js")),
        ("app://main.js", ("app://main.js", "~/main.js")),
        ("file:///home/me/app/main.js", ("file:///home/me/app/main.js", "~/home/me/app/main.js")),
        ("file:///C:/app/main.js", ("file:///C:/app/main.js", "~/C:/app/main.js")),
        (r"C:\app\main.js", (r"C:\app\main.js", "C:/app/main.js", "~/C:/app/main.js")),
        ("/srv/app/.next/server/1.js", ("/srv/app/.next/server/1.js", "~/srv/app/.next/server/1.js")),
        ("static/app.js", ("static/app.js", "~/static/app.js")),
        ("./static/app.js", ("./static/app.js", "~/static/app.js")),
        ("~/static/app.js", ("~/static/app.js",)),
        ("chrome-extension://abcdef/js/bg.js", ("chrome-extension://abcdef/js/bg.js", "~/js/bg.js")),
        ("webpack-internal:///./src/a.js", ("webpack-internal:///./src/a.js", "~/src/a.js")),
        ("blob:https://shop.test/0d3e", ("blob:https://shop.test/0d3e",)),
        ("node:internal/timers", ("node:internal/timers",)),
        ("https://shop.test/", ("https://shop.test/",)),
        ("<anonymous>", ()),
        ("#x", ()),
        ("", ()),
        ("a" * 5000, ()),
    ],
)
def test_a_frame_has_names_to_look_for(path: str, names: tuple[str, ...]):
    assert url_candidates(path) == names


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("http://h/a/b/c.js", ("~/a/b/c.js", "~/b/c.js", "~/c.js")),
        ("http://h/a/c.js?v=1#x", ("~/a/c.js", "~/c.js")),
        ("/srv/dist/c.js", ("~/srv/dist/c.js", "~/dist/c.js", "~/c.js")),
        (r"C:\dist\c.js", ("~/C:/dist/c.js", "~/dist/c.js", "~/c.js")),
        ("file:///C:/dist/c.js", ("~/C:/dist/c.js", "~/dist/c.js", "~/c.js")),
        ("app:///main.jsbundle", ("~/main.jsbundle",)),
        ("app://main.js", ("~/main.js",)),
        ("http://h/", ()),
        ("blob:https://h/0d3e", ()),
        ("<anonymous>", ()),
        ("", ()),
    ],
)
def test_a_script_may_be_uploaded_from_a_deeper_directory(path: str, names: tuple[str, ...]):
    assert suffix_candidates(path) == names


def test_a_deep_path_has_a_bounded_number_of_names():
    names = suffix_candidates("/" + "d/" * 100 + "c.js")

    assert len(names) == 16
    assert names[-1] == "~/c.js"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("webpack://shop/./src/cart.ts", "src/cart.ts"),
        ("webpack://shop/src/cart.ts", "src/cart.ts"),
        ("webpack:///./src/cart.ts?1a2b", "src/cart.ts"),
        ("webpack:///src/cart.ts", "src/cart.ts"),
        ("webpack://_N_E/./src/app/page.tsx", "src/app/page.tsx"),
        ("webpack://_N_E/./src/app/[id]/page.tsx", "src/app/[id]/page.tsx"),
        ("webpack://@acme/shop/./src/cart.ts", "src/cart.ts"),
        ("webpack://@acme/shop/webpack/bootstrap", "webpack/bootstrap"),
        ("webpack://shop/webpack/runtime/define property getters", "webpack/runtime/define property getters"),
        ("webpack:///webpack/bootstrap", "webpack/bootstrap"),
        ("webpack:///../../../work/src/cart.ts", "work/src/cart.ts"),
        ("webpack://antd/./node_modules/rc-tree/es/Tree.js", "node_modules/rc-tree/es/Tree.js"),
        ("webpack:///./~/react/lib/React.js", "node_modules/react/lib/React.js"),
        ("webpack:///./node_modules/babel-loader/lib!./src/App.vue?vue&type=script", "src/App.vue"),
        ('webpack:///external "react"', 'external "react"'),
        ("webpack:///(webpack)/buildin/module.js", "(webpack)/buildin/module.js"),
        ("webpack-internal:///./src/cart.ts", "src/cart.ts"),
        ("webpack-internal:///(app-pages-browser)/./src/app/page.tsx", "src/app/page.tsx"),
        ("webpack://_N_E/(rsc)/./src/app/page.tsx", "src/app/page.tsx"),
        ("/./src/cart.ts", "src/cart.ts"),
        ("shop/./src/cart.ts", "src/cart.ts"),
        ("@acme/shop/./src/cart.ts", "src/cart.ts"),
        ("_N_E/(rsc)/./src/app/page.tsx", "src/app/page.tsx"),
        ("/srv/./src/cart.ts", "/srv/src/cart.ts"),
        (".././src/cart.ts", "src/cart.ts"),
        (r"C:\.\src\cart.ts", "C:/src/cart.ts"),
        ("turbopack:///[project]/src/app/page.tsx", "src/app/page.tsx"),
        ("turbopack:///[project]/src/app/page.tsx [app-client] (ecmascript)", "src/app/page.tsx"),
        ("turbopack:///[turbopack]/browser/runtime.ts", "[turbopack]/browser/runtime.ts"),
        ("turbopack://[project]/src/a.ts", "src/a.ts"),
        ("../../src/cart.ts", "src/cart.ts"),
        ("./src/cart.ts", "src/cart.ts"),
        ("src/../lib/cart.ts", "lib/cart.ts"),
        (r"..\..\src\cart.ts", "src/cart.ts"),
        (
            "../node_modules/.pnpm/react@18/node_modules/react/index.js",
            "node_modules/.pnpm/react@18/node_modules/react/index.js",
        ),
        ("/home/me/shop/node_modules/react/index.js", "node_modules/react/index.js"),
        ("/home/me/shop/src/cart.ts", "/home/me/shop/src/cart.ts"),
        ("/@fs/home/me/shop/src/cart.ts", "/home/me/shop/src/cart.ts"),
        ("file:///home/me/shop/src/cart.ts", "/home/me/shop/src/cart.ts"),
        ("file:///C:/shop/src/cart.ts", "C:/shop/src/cart.ts"),
        (r"C:\shop\src\cart.ts", "C:/shop/src/cart.ts"),
        ("http://localhost:5173/src/cart.ts?t=17", "src/cart.ts"),
        ("app:///src/cart.ts", "src/cart.ts"),
        ("meteor://💻app/client/main.js", "client/main.js"),
        ("\0commonjsHelpers.js", "commonjsHelpers.js"),
        ("cart.ts", "cart.ts"),
        ("<stdin>", "<stdin>"),
        ("", ""),
    ],
)
def test_an_original_file_has_the_name_that_people_know(source: str, path: str):
    assert original_path(source) == path


@given(
    st.text(alphabet="aC~/\\:.?#!@[]() \0-webpackhtfiln", max_size=60), st.text(alphabet="a~/\\:.?#dt,", max_size=30)
)
def test_names_never_leave_their_root(name: str, reference: str):
    for found in (*url_candidates(name)[-1:], *suffix_candidates(name), joined("~/a/b.js", reference) or ""):
        if found.startswith("~/"):
            assert ".." not in found[2:].split("?")[0].split("/")
    assert ".." not in original_path(name).split("/")
    assert not any("#" in candidate for candidate in url_candidates(name))
