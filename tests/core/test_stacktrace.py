from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.events import Frame, Relation
from provenance_core.limits import MAX_CAUSES, MAX_FRAMES
from provenance_core.stacktrace import ParsedStack, parse_stack

V8 = """Uncaught TypeError: Cannot read properties of undefined (reading 'x')
    at Foo.bar [as baz] (webpack-internal:///./src/a.js?1:10:5)
    at async Promise.all (index 0)
    at new Thing (file:///srv/app/x.mjs:1:2)
    at eval (eval at go (http://x/y.js:21:17), <anonymous>:1:1)
    at Array.map (<anonymous>)
    at async http://x/z.js:1:2
    at Object.<anonymous> (C:\\app\\x.js:3:4)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at wasm://wasm/0011:wasm-function[12]:0x1a2b
    at load (/home/ann/my app (copy)/x.js:7:8)
    at run (address at /data/app/index.android.bundle:1:234)
"""
NODE = """/app/x.js:10
    throw new Error('outer', {cause: e})
    ^

Error: outer
line two
    at f (/app/x.js:10:11)
    ... 4 lines matching cause stack trace ...
    at Object.<anonymous> (/app/x.js:20:1) {
  [cause]: TypeError [ERR_X]: inner
      at h (/app/y.js:1:2) {
    code: 'ERR_X'
  }
}

Node.js v20.1.0"""
PROMISES = """[AggregateError: All promises were rejected] {
  [errors]: [
    TypeError: in 1
        at inner (/tmp/n.js:1:43)
        at async Promise.any (index 0),
    [Error: bare],
    Error: outer
        at Foo.bar (/tmp/n.js:2:65)
        at async Promise.any (index 1) {
      [cause]: TypeError: in 2
          at inner (/tmp/n.js:1:43)
    }
  ]
}"""
AGGREGATE = """AggregateError: All promises were rejected
    at async main (/app/a.js:5:3) {
  [errors]: [
    Error: one
        at p (/app/a.js:1:2),
    RangeError: two
        at q (/app/a.js:2:2)
  ]
}"""
FIREFOX = """foo/bar<@https://x.com/app.js:10:5
async*baz@https://x.com/app.js:11:6
@https://x.com/app.js:12:7
ev@https://x.com/app.js line 13 > eval:1:2
g@https://x.com/@scope/a.js:14:1"""
SAFARI = """TypeError: undefined is not an object
loadCart@https://x.com/app.js:10:5
[native code]
forEach@[native code]
https://x.com/@scope/a.js:1:2
global code@https://x.com/index.html:3:4"""
PYTHON = """ERROR:root:it failed
Traceback (most recent call last):
  File "/app/a.py", line 1, in load
    return d[k]
           ~^^^
KeyError: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3.11/runpy.py", line 9, in run
    exec()
  File "/app/b.py", line 10, in <module>
    main()
  [Previous line repeated 9 more times]
app.errors.LoadError: no
second

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/c.py", line 3, in close
OSError
2024-05-01 INFO next record
"""
JAVA = """Exception in thread "main" java.lang.IllegalStateException: A
 more
\tat com.acme.Foo.bar(Foo.java:12) ~[app.jar:1]
\tat java.base/java.lang.Thread.run(Thread.java:840)
\tat app//com.acme.X$$Lambda$14/0x0000000800066840.run(Unknown Source)
\tat jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
\tSuppressed: java.io.IOException: close
\t\tat com.acme.R.close(R.java:1)
Caused by: java.sql.SQLException: B
\tat com.acme.Db.q(Db.kt:3)
\t... 23 more"""
ELIXIR = "Acme.FooError: bad\n    (acme 0.1.0) lib/acme/foo.ex:12: Acme.Foo.bar/1\n"


def text_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def shape(frames: tuple[Frame, ...]) -> list[tuple[str | None, str | None, int | None, int | None, bool]]:
    return [(frame.function, frame.file, frame.line, frame.column, frame.in_app) for frame in frames]


def test_v8_frames_are_read() -> None:
    parsed = parse_stack(V8)

    assert (parsed.error_type, parsed.message) == (
        "TypeError",
        "Cannot read properties of undefined (reading 'x')",
    )
    assert shape(parsed.frames) == [
        ("Foo.bar [as baz]", "webpack-internal:///./src/a.js?1", 10, 5, True),
        ("Promise.all", "native", None, None, False),
        ("new Thing", "file:///srv/app/x.mjs", 1, 2, True),
        ("eval", "http://x/y.js", 21, 17, True),
        ("Array.map", "<anonymous>", None, None, False),
        (None, "http://x/z.js", 1, 2, True),
        ("Object.<anonymous>", "C:\\app\\x.js", 3, 4, True),
        ("process.processTicksAndRejections", "node:internal/process/task_queues", 95, 5, False),
        (None, "wasm://wasm/0011:wasm-function[12]:0x1a2b", None, None, False),
        ("load", "/home/ann/my app (copy)/x.js", 7, 8, True),
        ("run", "/data/app/index.android.bundle", 1, 234, True),
    ]


def test_node_crash_output_is_read_with_its_cause() -> None:
    parsed = parse_stack(NODE, "node")

    assert (parsed.error_type, parsed.message) == ("Error", "outer\nline two")
    assert [frame.line for frame in parsed.frames] == [10, 20]
    assert [(c.error_type, c.message, c.relation) for c in parsed.causes] == [("TypeError", "inner", Relation.CAUSE)]
    assert parsed.causes[0].frames[0].function == "h"


def test_aggregate_error_has_members() -> None:
    parsed = parse_stack(AGGREGATE)

    assert parsed.error_type == "AggregateError"
    assert [(c.error_type, c.message, c.relation, len(c.frames)) for c in parsed.causes] == [
        ("Error", "one", Relation.MEMBER, 1),
        ("RangeError", "two", Relation.MEMBER, 1),
    ]


def test_aggregate_error_without_frames_has_members() -> None:
    parsed = parse_stack(PROMISES)

    assert (parsed.error_type, parsed.message, parsed.frames) == (
        "AggregateError",
        "All promises were rejected",
        (),
    )
    assert [(c.error_type, c.message, c.relation, len(c.frames)) for c in parsed.causes] == [
        ("TypeError", "in 1", Relation.MEMBER, 2),
        ("Error", "bare", Relation.MEMBER, 0),
        ("Error", "outer", Relation.MEMBER, 2),
        ("TypeError", "in 2", Relation.CAUSE, 1),
    ]


def test_firefox_frames_are_read() -> None:
    assert shape(parse_stack(FIREFOX).frames) == [
        ("foo/bar<", "https://x.com/app.js", 10, 5, True),
        ("baz", "https://x.com/app.js", 11, 6, True),
        (None, "https://x.com/app.js", 12, 7, True),
        ("ev", "https://x.com/app.js", 13, None, True),
        ("g", "https://x.com/@scope/a.js", 14, 1, True),
    ]


def test_safari_frames_are_read() -> None:
    parsed = parse_stack(SAFARI)

    assert (parsed.error_type, parsed.message) == ("TypeError", "undefined is not an object")
    assert shape(parsed.frames) == [
        ("loadCart", "https://x.com/app.js", 10, 5, True),
        (None, "native", None, None, False),
        ("forEach", "native", None, None, False),
        (None, "https://x.com/@scope/a.js", 1, 2, True),
        ("global code", "https://x.com/index.html", 3, 4, True),
    ]


def test_python_chain_is_read_from_the_last_exception() -> None:
    parsed = parse_stack(PYTHON)

    assert (parsed.error_type, parsed.message) == ("OSError", None)
    assert [(c.error_type, c.relation) for c in parsed.causes] == [
        ("app.errors.LoadError", Relation.CONTEXT),
        ("KeyError", Relation.CAUSE),
    ]
    assert parsed.causes[0].message == "no\nsecond"
    assert shape(parsed.causes[0].frames) == [
        ("<module>", "/app/b.py", 10, None, True),
        ("run", "/usr/lib/python3.11/runpy.py", 9, None, False),
    ]
    assert parsed.causes[1].frames[0].context_line == "return d[k]"


def test_python_syntax_error_has_the_place_of_the_code() -> None:
    with pytest.raises(SyntaxError) as raised:
        compile("foo(", "x.py", "exec")
    parsed = parse_stack(text_of(raised.value))

    assert parsed.error_type == "SyntaxError"
    assert (parsed.frames[0].file, parsed.frames[0].line, parsed.frames[0].context_line) == ("x.py", 1, "foo(")


def test_real_recursion_is_read() -> None:
    def down(depth: int) -> int:
        return down(depth - 1) + 1 if depth else 1 // depth

    with pytest.raises(ZeroDivisionError) as raised:
        down(50)
    parsed = parse_stack(text_of(raised.value))

    assert parsed.error_type == "ZeroDivisionError"
    assert parsed.frames[0].function == "down"
    assert parsed.frames[-1].function == "test_real_recursion_is_read"


def test_source_lines_that_look_like_a_box_are_source() -> None:
    text = """Traceback (most recent call last):
  File "/app/a.py", line 3, in f
    total = (first()
             + second()
             | third())
  File "/app/a.py", line 9, in second
    raise ValueError("x")
ValueError: x"""

    parsed = parse_stack(text)

    assert (parsed.error_type, parsed.message) == ("ValueError", "x")
    assert [(f.line, f.context_line) for f in parsed.frames] == [(9, 'raise ValueError("x")'), (3, "total = (first()")]


def test_real_exception_group_is_read() -> None:
    def fail(name: str) -> None:
        raise KeyError(name)

    members: list[Exception] = [TypeError("bare")]
    for name in ("a", "b"):
        try:
            try:
                fail(name)
            except KeyError as error:
                raise ValueError(name) from error
        except ValueError as error:
            members.append(error)
    outer = RuntimeError("after")
    outer.__cause__ = ExceptionGroup("many", members)

    parsed = parse_stack(text_of(outer))

    assert (parsed.error_type, parsed.message) == ("RuntimeError", "after")
    assert [(c.error_type, c.relation) for c in parsed.causes] == [
        ("ExceptionGroup", Relation.CAUSE),
        ("TypeError", Relation.MEMBER),
        ("ValueError", Relation.MEMBER),
        ("KeyError", Relation.CAUSE),
        ("ValueError", Relation.MEMBER),
        ("KeyError", Relation.CAUSE),
    ]
    assert parsed.causes[3].frames[0].function == "fail"


def test_java_chain_is_read() -> None:
    parsed = parse_stack(JAVA)

    assert (parsed.error_type, parsed.message) == ("java.lang.IllegalStateException", "A\n more")
    assert [(f.module, f.function, f.file, f.line, f.in_app) for f in parsed.frames] == [
        ("com.acme.Foo", "bar", "Foo.java", 12, True),
        ("java.lang.Thread", "run", "Thread.java", 840, False),
        ("com.acme.X$$Lambda$14/0x0000000800066840", "run", None, None, True),
        ("jdk.internal.reflect.NativeMethodAccessorImpl", "invoke0", "native", None, False),
    ]
    assert [(c.error_type, c.message, c.relation) for c in parsed.causes] == [
        ("java.io.IOException", "close", Relation.CONTEXT),
        ("java.sql.SQLException", "B", Relation.CAUSE),
    ]


@pytest.mark.parametrize("text", ["", "   ", "it broke", ELIXIR, "mail bob@example.com:25", "at noon\nat (x)\nat "])
def test_unknown_text_has_no_frames(text: str) -> None:
    parsed = parse_stack(text)

    assert parsed.frames == ()
    assert parsed.causes == ()


def test_unknown_text_keeps_a_sure_header() -> None:
    parsed = parse_stack(ELIXIR)

    assert (parsed.error_type, parsed.message) == ("Acme.FooError", "bad")


def test_frames_nearest_the_crash_are_kept() -> None:
    python = "Traceback (most recent call last):\n" + "".join(
        f'  File "/app/a.py", line {n}, in f{n}\n' for n in range(1, 1001)
    )
    v8 = "Error: x\n" + "".join(f"    at f{n} (/app/a.js:{n}:1)\n" for n in range(1, 1001))

    assert [f.line for f in parse_stack(python + "E: x").frames] == list(range(1000, 1000 - MAX_FRAMES, -1))
    assert [f.line for f in parse_stack(v8).frames] == list(range(1, MAX_FRAMES + 1))


SAMPLES = [
    line for text in (V8, NODE, PROMISES, AGGREGATE, FIREFOX, SAFARI, PYTHON, JAVA, ELIXIR) for line in text.split("\n")
]
BOXES = ["  + Exception Group Traceback (most recent call last):", "  +-+---------------- 1 ----------------", "    | "]


def is_bounded(parsed: ParsedStack) -> bool:
    stacks = [parsed.frames, *(cause.frames for cause in parsed.causes)]
    return len(parsed.causes) <= MAX_CAUSES and all(len(frames) <= MAX_FRAMES for frames in stacks)


@given(st.text())
def test_any_text_is_read_without_failing(text: str) -> None:
    assert is_bounded(parse_stack(text))


@given(
    st.lists(st.sampled_from([*SAMPLES, *BOXES]) | st.text(max_size=20), max_size=60), st.sampled_from(["\n", "\r\n"])
)
def test_any_mixture_of_stack_lines_is_read_without_failing(lines: list[str], end: str) -> None:
    assert is_bounded(parse_stack(end.join(lines)))
