"""Stacks of every language are read in a time that their length bounds, whatever somebody makes of them."""

from __future__ import annotations

import time

import pytest

from provenance_core.stacktrace import parse_stack

HOSTILE = {
    "v8": "    at f (/app/a.js:1:2)\n",
    "v8 no newline": "at f (",
    "v8 nested evals": "eval at f (",
    "v8 causes": "    at f (/a.js:1:2)\n[cause]: Error: x\n",
    "v8 members": "[errors]: [ Error: x\nat f (/a.js:1:2)\n",
    "gecko": "f@https://x/a.js:1:2\n",
    "gecko no newline": "f@https://",
    "python": '  File "/a.py", line 1, in f\n    g()\n',
    "python no newline": 'File "/a.py", line 1, in ',
    "python chain": 'Traceback (most recent call last):\n  File "/a.py", line 1, in f\nE: x\n\n',
    "python boxes": '  +-+---------------- 1 ----------------\n    | File "/a.py", line 1, in f\n',
    "java": "\tat com.acme.Foo.bar(Foo.java:1)\n",
    "java no newline": "\tat com.acme.",
    "java causes": "\tat com.acme.Foo.bar(Foo.java:1)\nCaused by: a.B: c\n",
    "java loaders": "at a.b/a.b/a.b/",
    "newlines": "\n",
    "colons": ":1",
    "spaces": " ",
    "header": "a.b.c.D$",
    "dashes": "-",
    "csharp": "   at A.B.C(Int32 id) in /a.cs:line 1\n",
    "csharp no newline": ") in ",
    "csharp inner": " ---> A.B: c\n   at A.B.C(Int32 id)\n",
    "csharp inner on one line": "(Int32 id) ---> A.B: c",
    "csharp arguments": "(A a, ",
    "go": "goroutine 1 [running]:\nmain.f(0x1)\n\t/a.go:1 +0x1\n",
    "go no newline": "goroutine main.f(",
    "ruby": "a.rb:1:in 'f': m (A::B)\n",
    "ruby no newline": "a.rb:1:in '",
    "rust": "stack backtrace:\n   0: a::b\n             at /a.rs:1:2\n",
    "rust panics": "thread 'a' panicked at 'b', c:1:2\nstack backtrace:\n",
    "php": "#0 /a.php(1): f()\nNext A: b in /a.php:1\n",
    "php no newline": "#0 /a.php(1): f(Uncaught ",
}


def seconds(text: str) -> float:
    start = time.process_time()
    parse_stack(text)
    return time.process_time() - start


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_is_linear_in_the_length(unit: str) -> None:
    small, large = (unit * (size // len(unit)) for size in (100_000, 1_000_000))

    # Ten times the text may take ten times as long; were it quadratic it would be a hundred.
    # Other work on the machine may slow down one of the two, so one try of three is enough.
    assert any(seconds(large) < 30 * seconds(small) + 0.02 for _ in range(3))
