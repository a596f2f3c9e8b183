"""Stacks that SDKs send as frames and that logs have as text: .NET, Go, Ruby, Rust and PHP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.events import Frame, Relation
from provenance_core.limits import MAX_CAUSES, MAX_FRAMES
from provenance_core.stacktrace import ParsedStack, parse_stack

CSHARP = """Unhandled exception. System.InvalidOperationException: no price for 17
 ---> System.TimeoutException: late
   at Acme.Net.Send(Uri address) in /src/Net.cs:line 7
   --- End of inner exception stack trace ---
   at Acme.OrderService.<LoadAsync>d__5.MoveNext() in C:\\src\\OrderService.cs:line 42
--- End of stack trace from previous location ---
   at System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw()
   at Acme.Order..ctor(Int32 id)
   at Acme.Program.Main(String[] args) in /src/Program.cs:line 3"""
CSHARP_OLD = (
    "Acme.FooException: bad ---> Acme.BarException: worse\r\n   bei Acme.Foo.Bar(Int32 id) in C:\\s\\F.cs:Zeile 12.\r\n"
)
CSHARP_GROUP = """System.AggregateException: One or more errors occurred. (a) (b)
 ---> System.TimeoutException: a
   at Acme.Net.Send(Uri address)
   --- End of inner exception stack trace ---
   at Acme.Program.Main(String[] args)
 ---> (Inner Exception #1) System.FormatException: b
   at Acme.Price.Parse(String text)<---
"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 7 [running]:
panic({0x4a2b3c?, 0xc0000b2000?})
	/usr/local/go/src/runtime/panic.go:914 +0x21f
github.com/acme/shop/orders.(*Store).Load(0xc0000b2000, {0x1, 0x2})
	/app/orders/store.go:42 +0x1d
github.com/acme/shop/cache.Get[github.com/acme/x.T](...)
	/app/cache/cache.go:9
main.main.func1()
	/app/main.go:12 +0x25
created by main.main in goroutine 1
	/app/main.go:11 +0x99

goroutine 8 [chan receive]:
main.other()
	/app/other.go:3 +0x1
exit status 2"""
RUBY = """app/models/order.rb:12:in 'Order#total': no price (Shop::PriceError)
	from app/jobs/price_job.rb:4:in 'block in PriceJob#perform'
	from /usr/local/bundle/gems/sidekiq-7.0/lib/sidekiq/job.rb:9:in `perform'
app/models/price.rb:3:in 'Price.of': key not found: :tea (KeyError)
	from app/models/order.rb:11:in 'Order#total'"""
RUST = """thread 'main' panicked at src/orders.rs:12:9:
index out of bounds: the len is 3 but the index is 7
stack backtrace:
   0: rust_begin_unwind
             at /rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/std/src/panicking.rs:645:5
   1: shop::orders::load::h0123456789abcdef
             at ./src/orders.rs:12:9
   2:     0x55d0c8a0b123 - shop::main
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""
PHP = """PHP Fatal error:  Uncaught PDOException: gone in /app/src/Db.php:3
Stack trace:
#0 /app/src/Order.php(9): App\\Db->query('select', Array)
#1 {main}

Next App\\PriceError: no price: for 17 in /app/src/Order.php:12
Stack trace:
#0 /app/src/Cart.php(20): App\\Order->load(17)
#1 [internal function]: App\\{closure}()
#2 /app/vendor/slim/App.php(9): array_map(Object(Closure))
#3 {main}
  thrown in /app/src/Order.php on line 12"""

Row = tuple[str | None, str | None, str | None, int | None, bool]


def rows(frames: tuple[Frame, ...]) -> list[Row]:
    return [(frame.module, frame.function, frame.file, frame.line, frame.in_app) for frame in frames]


def test_csharp_inner_exceptions_stand_within_outer_ones() -> None:
    parsed = parse_stack(CSHARP)

    assert (parsed.error_type, parsed.message) == ("System.InvalidOperationException", "no price for 17")
    assert rows(parsed.frames) == [
        ("Acme.OrderService.<LoadAsync>d__5", "MoveNext", "C:\\src\\OrderService.cs", 42, True),
        ("System.Runtime.ExceptionServices.ExceptionDispatchInfo", "Throw", None, None, False),
        ("Acme.Order", ".ctor", None, None, True),
        ("Acme.Program", "Main", "/src/Program.cs", 3, True),
    ]
    assert [(cause.error_type, cause.message, len(cause.frames)) for cause in parsed.causes] == [
        ("System.TimeoutException", "late", 1)
    ]


def test_csharp_of_the_framework_in_german() -> None:
    parsed = parse_stack(CSHARP_OLD)

    assert (parsed.error_type, parsed.message) == ("Acme.FooException", "bad")
    assert [(cause.error_type, cause.message) for cause in parsed.causes] == [("Acme.BarException", "worse")]
    assert rows(parsed.causes[0].frames) == [("Acme.Foo", "Bar", "C:\\s\\F.cs", 12, True)]


def test_csharp_members_of_an_aggregate() -> None:
    parsed = parse_stack(CSHARP_GROUP)

    assert parsed.error_type == "System.AggregateException"
    assert [(cause.error_type, cause.relation) for cause in parsed.causes] == [
        ("System.TimeoutException", Relation.CAUSE),
        ("System.FormatException", Relation.MEMBER),
    ]
    assert [len(cause.frames) for cause in parsed.causes] == [1, 1]


def test_go_panic_is_the_first_goroutine() -> None:
    parsed = parse_stack(GO)

    assert (parsed.error_type, parsed.message) == ("panic", "runtime error: index out of range [5] with length 3")
    assert rows(parsed.frames) == [
        ("runtime", "panic", "/usr/local/go/src/runtime/panic.go", 914, False),
        ("github.com/acme/shop/orders", "(*Store).Load", "/app/orders/store.go", 42, True),
        ("github.com/acme/shop/cache", "Get[github.com/acme/x.T]", "/app/cache/cache.go", 9, True),
        ("main", "main.func1", "/app/main.go", 12, True),
    ]


def test_ruby_error_and_its_cause() -> None:
    parsed = parse_stack(RUBY)

    assert (parsed.error_type, parsed.message) == ("Shop::PriceError", "no price")
    assert rows(parsed.frames) == [
        (None, "Order#total", "app/models/order.rb", 12, True),
        (None, "block in PriceJob#perform", "app/jobs/price_job.rb", 4, True),
        (None, "perform", "/usr/local/bundle/gems/sidekiq-7.0/lib/sidekiq/job.rb", 9, False),
    ]
    assert [(cause.error_type, cause.message, len(cause.frames)) for cause in parsed.causes] == [
        ("KeyError", "key not found: :tea", 2)
    ]


def test_rust_panic_with_its_backtrace() -> None:
    parsed = parse_stack(RUST)

    assert (parsed.error_type, parsed.message) == ("panic", "index out of bounds: the len is 3 but the index is 7")
    assert [frame.in_app for frame in parsed.frames] == [False, True, True]
    assert rows(parsed.frames)[1:] == [
        (None, "shop::orders::load::h0123456789abcdef", "./src/orders.rs", 12, True),
        (None, "shop::main", None, None, True),
    ]


def test_rust_panic_of_older_versions() -> None:
    parsed = parse_stack("thread 'a' panicked at 'no price', src/a.rs:1:2\nstack backtrace:\n   0: shop::main\n")

    assert (parsed.error_type, parsed.message) == ("panic", "no price")


def test_php_places_stand_with_the_functions_they_are_in() -> None:
    parsed = parse_stack(PHP)

    assert (parsed.error_type, parsed.message) == ("App\\PriceError", "no price: for 17")
    assert rows(parsed.frames) == [
        (None, "App\\Order::load", "/app/src/Order.php", 12, True),
        (None, "App\\{closure}", "/app/src/Cart.php", 20, True),
        (None, "array_map", None, None, False),
        (None, "{main}", "/app/vendor/slim/App.php", 9, False),
    ]
    assert [(cause.error_type, cause.message, len(cause.frames)) for cause in parsed.causes] == [
        ("PDOException", "gone", 2)
    ]


@pytest.mark.parametrize("text", [CSHARP, GO, RUBY, RUST, PHP])
def test_line_ends_and_what_a_log_has_around_do_not_matter(text: str) -> None:
    around = f"2026-11-23 10:11:12 ERROR it failed\n{text}\n2026-11-23 10:11:13 INFO next\n"

    assert parse_stack(text.replace("\n", "\r\n")) == parse_stack(text)
    assert rows(parse_stack(around).frames) == rows(parse_stack(text).frames)


TEXTS = (CSHARP, CSHARP_OLD, CSHARP_GROUP, GO, RUBY, RUST, PHP)
SAMPLES = [line for text in TEXTS for line in text.split("\n")]


def is_bounded(parsed: ParsedStack) -> bool:
    stacks = [parsed.frames, *(cause.frames for cause in parsed.causes)]
    return len(parsed.causes) <= MAX_CAUSES and all(len(frames) <= MAX_FRAMES for frames in stacks)


@given(st.lists(st.sampled_from(SAMPLES) | st.text(max_size=20), max_size=60), st.sampled_from(["\n", "\r\n"]))
def test_any_mixture_of_lines_is_read_without_failing(lines: list[str], end: str) -> None:
    parsed = parse_stack(end.join(lines))

    assert is_bounded(parsed)
    assert parsed == parse_stack(end.join(lines))
