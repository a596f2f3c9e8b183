import time
from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance_core.sourcemaps.original_functions import MAX_TEXT, Scopes, scopes_of

HERE = "⌖"
"""Stands in a source where the question is; it is no part of the source."""


def function_at(scopes: Scopes, line: int, column: int) -> str:
    boundaries = list(zip(scopes.lines, scopes.columns, strict=True))
    return scopes.names[bisect_right(boundaries, (line, column)) - 1]


def ask(marked: str, path: str | None) -> str | None:
    """Return the function at the mark, whose column is counted in UTF-16 units."""
    before, _, after = marked.partition(HERE)
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    scopes = scopes_of(path, before + after)
    return scopes and function_at(scopes, len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)


@pytest.mark.parametrize("path", ["a.js", "a.ts", "a.tsx"])
@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("⌖boot();", ""),
        ("function load() { ⌖go() }", "load"),
        ("async function load() { await ⌖go() }", "load"),
        ("function* load() { yield ⌖go() }", "load"),
        ("export function load() { ⌖go() }", "load"),
        ("function load() { go() }⌖ boot()", ""),
        ("function load(a = ⌖go()) {}", "load"),
        ("function load(make = () => ⌖go()) {}", "make"),
        ("function load({ make = () => ⌖go() }) {}", "make"),
        ("const load = () => ⌖go();", "load"),
        ("const load = async a => { ⌖go() };", "load"),
        ("const load = function () { ⌖go() };", "load"),
        ("const load = function own() { ⌖go() };", "own"),
        ("const load = ((() => ⌖go()));", "load"),
        ("let load; load = () => ⌖go();", "load"),
        ("let load; load ??= () => ⌖go();", "load"),
        ("const { load = () => ⌖go() } = options;", "load"),
        ("exports.load = function () { ⌖go() };", "load"),
        ("module.exports.load = () => ⌖go();", "load"),
        ("module.exports = function () { ⌖go() };", "module.exports"),
        ("window.shop.load = () => ⌖go();", "shop.load"),
        ("Cart.prototype.load = function () { ⌖go() };", "Cart.load"),
        ("Cart['load'] = function () { ⌖go() };", "Cart.load"),
        ("Cart[key] = function () { ⌖go() };", "Cart.<computed>"),
        ("a().load = function () { ⌖go() };", "load"),
        ("export default function () { ⌖go() }", "default"),
        ("export default function load() { ⌖go() }", "load"),
        ("export default () => ⌖go();", "default"),
        ("export default class { load() { ⌖go() } }", "default.load"),
        ("class Cart { load() { ⌖go() } }", "Cart.load"),
        ("class Cart { async load() { ⌖go() } }", "Cart.load"),
        ("class Cart { *load() { ⌖go() } }", "Cart.load"),
        ("class Cart { static load() { ⌖go() } }", "Cart.load"),
        ("class Cart { #load() { ⌖go() } }", "Cart.#load"),
        ("class Cart { 'load all'() { ⌖go() } }", "Cart.load all"),
        ("class Cart { ['load']() { ⌖go() } }", "Cart.load"),
        ("class Cart { [Symbol.iterator]() { ⌖go() } }", "Cart.[Symbol.iterator]"),
        ("class Cart { ['a' + b]() { ⌖go() } }", "Cart.<computed>"),
        ("class Cart { get total() { return ⌖go() } }", "Cart.get total"),
        ("class Cart { static set total(x) { ⌖go() } }", "Cart.set total"),
        ("class Cart { get() { return ⌖go() } }", "Cart.get"),
        ("class Cart { constructor() { ⌖go() } }", "new Cart"),
        ("class Cart { load = () => ⌖go(); }", "Cart.load"),
        ("class Cart { #load = function () { ⌖go() }; }", "Cart.#load"),
        ("class Cart { total = ⌖go(); }", "new Cart"),
        ("class Cart { static total = ⌖go(); }", "Cart.<static_initializer>"),
        ("class Cart { static { ⌖go() } }", "Cart.<static_initializer>"),
        ("class Cart { load() { go() }⌖ }", ""),
        ("class Cart extends ⌖base() { load() {} }", ""),
        ("const Cart = class { load() { ⌖go() } };", "Cart.load"),
        ("const Cart = class Own { load() { ⌖go() } };", "Own.load"),
        ("mix(class { load() { ⌖go() } });", "load"),
        ("mix(class { constructor() { ⌖go() } });", "new <anonymous>"),
        ("class A { load() { return class B { load() { ⌖go() } } } }", "B.load"),
        ("class A { load() { return class B {}, ⌖go() } }", "A.load"),
        ("class A { a() { return { b() { ⌖go() } } } }", "b"),
        ("const cart = { load() { ⌖go() } };", "load"),
        ("const cart = { load: function () { ⌖go() } };", "load"),
        ("const cart = { 'load-all': () => ⌖go() };", "load-all"),
        ("const cart = { get total() { return ⌖go() } };", "get total"),
        ("const cart = { [key]: () => ⌖go() };", "<anonymous>"),
        ("items.map((item) => ⌖go(item));", "<anonymous>"),
        ("(function () { ⌖go() })();", "<anonymous>"),
        ("function load() { items.map((item) => ⌖go(item)) }", "load.<anonymous>"),
        ("function load() { items.map((item) => item.map(() => ⌖go())) }", "load.<anonymous>"),
        ("function load() { items.map((item) => item), ⌖go() }", "load"),
        ("function load() { function inner() { ⌖go() } }", "inner"),
        ("items.map(() => { const inner = () => ⌖go() });", "inner"),
        ("class Cart { load() { items.map(() => ⌖go()) } }", "Cart.load.<anonymous>"),
        ("class Cart { constructor() { items.map(() => ⌖go()) } }", "Cart.<anonymous>"),
        ("class Cart { load = debounce(() => ⌖go()); }", "Cart.<anonymous>"),
        ("class Cart { constructor() { this.load = () => ⌖go() } }", "load"),
        ("const load = memo(() => ⌖go());", "<anonymous>"),
    ],
)
def test_the_function_around_a_position_has_its_name(source: str, name: str, path: str):
    assert ask(source, path) == name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("class Cart<T> { load<U>(a: T): U { return ⌖go() } }", "Cart.load"),
        ("abstract class Cart { abstract a(): void; protected load() { ⌖go() } }", "Cart.load"),
        ("class Cart { constructor(private a: string) { ⌖go() } }", "new Cart"),
        ("class Cart { private readonly load: () => void = () => ⌖go(); }", "Cart.load"),
        ("class Cart { private static total: number = ⌖go(); }", "Cart.<static_initializer>"),
        ("class Cart { @bound() load() { ⌖go() } }", "Cart.load"),
        ("function load(a: string): void; function load(a: any) { ⌖go() }", "load"),
        ("function load(this: Cart, make: F = () => ⌖go()) {}", "make"),
        ("const load = (() => ⌖go()) as F;", "load"),
        ("const load = (<T,>(a: T) => ⌖go()) satisfies F;", "load"),
        ("namespace shop { export function load() { ⌖go() } }", "load"),
        ("export const load: F = async (): Promise<void> => { ⌖go() };", "load"),
    ],
)
@pytest.mark.parametrize("path", ["a.ts", "a.mts", "a.cts?x", "a.tsx", "webpack:///./src/a.ts?1a2b"])
def test_typescript_is_read(source: str, name: str, path: str):
    assert ask(source, path) == name


@pytest.mark.parametrize("path", ["a.js", "a.jsx", "a.tsx"])
def test_jsx_is_read(path: str):
    assert ask("const App = () => <a b={1}>{⌖go()}</a>;", path) == "App"
    assert ask("const App = () => <button onClick={() => ⌖go()} />;", path) == "onClick"
    assert ask("const App = () => <List>{items.map((a) => <b>{⌖go()}</b>)}</List>;", path) == "App.<anonymous>"


@pytest.mark.parametrize("path", ["a.js", "a.jsx", "lib/a.mjs", "a.es6", "webpack/bootstrap", None])
def test_javascript_with_types_is_read_as_such(path: str | None):
    source = "// @flow\nexport function load(a: number, b?: Array<string>): Promise<void> { ⌖go() }"

    assert ask(source, path) == "load"


@pytest.mark.parametrize("line", ["/* 🙂漢é */ ", "const s = '🙂🙂'; ", "/* \U00020000 */ ", "\ufeff"])
def test_columns_are_those_of_utf_16(line: str):
    assert ask(f"{line}function load() {{ ⌖go() }}", "a.js") == "load"
    assert ask(f"{line}function load() {{ '🙂'; go() }}⌖ boot()", "a.js") == ""
    assert ask(f"{line}const 漢 = () => ⌖go()", "a.ts") == "漢"


def test_columns_are_exact():
    scopes = scopes_of("a.js", "/*🙂漢*/function load(){}\r\nboot(); const x = () => 1;\rgo(() => 2)")

    assert scopes is not None
    assert list(zip(scopes.lines, scopes.columns, scopes.names, strict=True)) == [
        (0, 0, ""),
        (0, 7, "load"),
        (0, 24, ""),
        (1, 18, "x"),
        (1, 25, ""),
        (2, 3, "<anonymous>"),
        (2, 10, ""),
    ]


@pytest.mark.parametrize(
    ("path", "source", "name"),
    [
        ("A.vue", "<template>\n<a @b='🙂'>{{ c }}</a>\n</template>\n<script>\nexport function load() { ⌖go() }", None),
        ("A.vue", "<template>🙂</template>\n<script setup lang='ts'>const load = (a: T) => ⌖go();</script>", "load"),
        ("A.vue", "<script>function a() {}</script><script setup>const load = () => ⌖go();</script>", "load"),
        ("A.vue", "<script>function a() {}</script><style>.a { }⌖</style>", ""),
        ("A.vue?vue&type=script&lang.ts", "<script lang=ts>\nconst load = () => ⌖go()\n</script>", "load"),
        ("A.vue?1a2b", "export default { methods: { load() { ⌖go() } } }", "load"),
        ("A.vue", "<template><a/>⌖</template>", None),
        ("A.svelte", '<script lang="ts">\nfunction load(): void { ⌖go() }\n</script>\n<h1>{a}</h1>', "load"),
        ("A.astro", "---\nconst load = (a: T) => ⌖go();\n---\n<h1>{a}</h1><script>go()</script>", "load"),
        ("A.astro", "---\nconst a = 1;\n---\n<h1/><script>const load = () => ⌖go();</script>", "load"),
    ],
)
def test_the_scripts_of_a_component_are_read(path: str, source: str, name: str | None):
    assert ask(source, path) == name


@pytest.mark.parametrize("path", ["a.glsl", "a.css", "a.json", "a.wasm", "a.html", "src/a.scss?x", "a.rs", "a.min"])
def test_other_languages_are_not_read(path: str):
    assert scopes_of(path, "function load() {}") is None


@pytest.mark.parametrize("path", ["[project]/src/a.ts [app-client] (ecmascript)", "./src/a.ts + 12 modules", "a.TS"])
def test_what_a_bundler_adds_to_a_name_does_not_hide_the_language(path: str):
    assert ask("function load(a: T): U { ⌖go() }", path) == "load"


def test_a_text_that_nobody_wrote_is_not_read():
    assert scopes_of("a.js", "a" * (MAX_TEXT + 1)) is None


def test_code_after_an_error_is_read():
    assert ask("const a = ;\n}}) function load() { ⌖go() }", "a.js") == "load"


@pytest.mark.parametrize(
    "source",
    [
        "[" * 200_000,
        "(function(){" * 20_000,
        "()=>" * 50_000,
        "class A{a(){" * 15_000,
        "a={b:" * 40_000,
        "a=" * 100_000 + "()=>1",
        "a" + ".b" * 100_000 + "=()=>1",
        "a" + "['b']" * 40_000 + "=()=>1",
        "(" * 100_000 + "()=>1" + ")" * 100_000,
        "a" * 200_000 + "=()=>1",
        "class " + "A" * 100_000 + "{" + "a(){}" * 20_000 + "}",
        "export default " * 10_000,
        "<a b={()=>" * 20_000,
        "`${()=>" * 30_000,
        "@a " * 60_000 + "class A{b(){}}",
        "class A{" + "static " * 30_000 + "a(){}}",
        "\0" * 200_000,
        "\ud800" * 100_000,
    ],
)
@pytest.mark.parametrize("path", ["a.js", "a.tsx"])
def test_a_hostile_source_takes_no_time(source: str, path: str):
    start = time.process_time()
    scopes = scopes_of(path, source)

    assert time.process_time() - start < 10
    assert scopes is None or max(map(len, scopes.names)) < 400


@pytest.mark.parametrize("path", ["a.vue", "a.astro", "a.svelte"])
@pytest.mark.parametrize(
    "piece", ["<script", "<script>", "<script lang", "</script", "---\n", "<script></script>", "İ"]
)
def test_a_hostile_component_takes_no_time(path: str, piece: str):
    start = time.process_time()
    scopes_of(path, "---\n<" + piece * (500_000 // len(piece)))

    assert time.process_time() - start < 10


PIECES = (
    *(
        "function ",
        "=>",
        "()",
        "{",
        "}",
        "class A",
        "a",
        "=",
        ":",
        "static ",
        "get ",
        "#",
        "['",
        "']",
        "\n",
        "\r",
        "🙂",
    ),
    *("<script>", "</script>", "<a>", "export default ", "constructor", ";", ".", "@", "async ", "\u2028", "\ud800"),
)
PATHS = ("a.js", "a.ts", "a.tsx", "a.vue", "a.astro", None)


@settings(deadline=None)
@given(st.sampled_from(PATHS), st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_boundaries_of_any_text_are_in_order_and_within_it(path: str | None, text: str):
    scopes = scopes_of(path, text)

    if scopes is None:
        return
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lengths = [len(line.encode("utf-16-le", "surrogatepass")) // 2 for line in lines]
    boundaries = list(zip(scopes.lines, scopes.columns, strict=True))
    assert boundaries[0] == (0, 0)
    assert all(earlier < later for earlier, later in pairwise(boundaries))
    assert all(column <= lengths[line] for line, column in boundaries)
    assert len(scopes.names) == len(boundaries)
    assert all(name.isprintable() and name.encode() is not None for name in scopes.names)
