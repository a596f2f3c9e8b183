from __future__ import annotations

import traceback

import pytest

from provenance_core.in_app import is_in_app


@pytest.mark.parametrize(
    ("file", "platform"),
    [
        ("/venv/lib/python3.12/site-packages/django/core.py", "python"),
        ("/usr/lib/python3/dist-packages/apt/a.py", "python"),
        ("/usr/lib/python3.11/json/decoder.py", "python"),
        ("C:\\Python311\\Lib\\json\\decoder.py", "python"),
        ("<frozen importlib._bootstrap>", "python"),
        ("/app/node_modules/express/lib/router.js", "node"),
        ("webpack:///./node_modules/react-dom/index.js", "javascript"),
        ("node:internal/process/task_queues", "node"),
        ("internal/modules/cjs/loader.js", "node"),
        ("webpack/runtime/jsonp chunk loading", "javascript"),
        ("webpack:///webpack/bootstrap 12ab", "javascript"),
        ("<anonymous>", "javascript"),
        ("[native code]", "javascript"),
        ("chrome-extension://abc/content.js", "javascript"),
        ("moz-extension://abc/content.js", "javascript"),
        ("safari-web-extension://abc/content.js", "javascript"),
        ("/usr/local/go/src/net/http/server.go", "go"),
        ("/root/go/pkg/mod/github.com/x/y@v1.2.3/z.go", "go"),
        ("/src/vendor/github.com/x/y/z.go", "go"),
        ("/usr/local/bundle/gems/rack-2.2.8/lib/rack.rb", "ruby"),
        ("/usr/lib/ruby/3.2.0/net/http.rb", "ruby"),
        ("/srv/vendor/doctrine/orm/src/X.php", "php"),
        ("/rustc/9fc6b4312/library/core/src/panicking.rs", "native"),
        ("/root/.cargo/registry/src/index.crates.io-6f17/tokio-1.2/src/a.rs", "native"),
    ],
)
def test_library_files_are_not_the_applications(file: str, platform: str) -> None:
    assert not is_in_app(file=file, platform=platform)
    assert not is_in_app(file="x/y.z", abs_path=file, platform=platform)


@pytest.mark.parametrize(
    ("module", "function", "platform"),
    [
        ("java.util.Optional", "get", "java"),
        ("org.springframework.web.X", "y", "java"),
        ("kotlin.collections.CollectionsKt", "first", None),
        ("System.Linq.Enumerable", "First", "csharp"),
        ("Microsoft.AspNetCore.X", "y", "csharp"),
        ("runtime", "gopanic", "go"),
        ("net/http", "(*conn).serve", "go"),
        (None, "std::panicking::begin_panic", "native"),
        (None, "<alloc::boxed::Box<F> as core::ops::FnOnce>::call_once", "native"),
        (None, "Array.map", "javascript"),
        (None, None, None),
    ],
)
def test_library_names_are_not_the_applications(module: str | None, function: str | None, platform: str | None) -> None:
    assert not is_in_app(file=None, module=module, function=function, platform=platform)


@pytest.mark.parametrize(
    ("file", "module", "function", "platform"),
    [
        ("app/orders.py", "app.orders", "load", "python"),
        ("/app/src/internal.js", None, "load", "node"),
        ("https://shop.example/static/app.js", None, "load", "javascript"),
        ("webpack:///./src/a.ts", None, "load", "javascript"),
        ("/home/ann/go/src/github.com/acme/shop/main.go", "main", "main", "go"),
        ("src/main.rs", None, "shop::main", "native"),
        ("OrderService.java", "com.acme.OrderService", "load", "java"),
        (None, "Acme.SystemTests.Orders", "Load", "csharp"),
        (None, "runtimeconfig", "load", "go"),
        (None, None, "shop::orders::load", "native"),
        ("app/models/order.rb", None, "total", "ruby"),
        ("/src/Service/Orders.php", None, "App\\Orders::load", "php"),
    ],
)
def test_other_frames_are_the_applications(
    file: str | None, module: str | None, function: str | None, platform: str | None
) -> None:
    assert is_in_app(file=file, module=module, function=function, platform=platform)


def test_own_test_file_is_the_applications() -> None:
    assert is_in_app(file=__file__, platform="python")
    assert not is_in_app(file=pytest.__file__, platform="python")
    assert not is_in_app(file=traceback.__file__, platform="python")
