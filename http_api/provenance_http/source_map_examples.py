"""Examples of the operations on source maps."""

from __future__ import annotations

from provenance_http.example import Example, Json

_MAP_ID = "01935712-0c44-7be1-9a57-3d6f1e2b8c40"
_SHA256 = "9f2b7c1d" * 8
_SCRIPT, _MAP = "~/static/app.min.js", "~/static/app.min.js.map"
_EVENT_ID = "0193571c-02b8-7e05-b4c6-91d2a7f05e38"
_ISSUE_ID = "0193571a-7d40-7c22-9a01-0b6f3d8e2c17"
_OF_RELEASE: Json = {"origin": "my-app", "release": "1.2.3"}
_GIVEN: Json = {
    "file": "https://shop.example/static/app.min.js",
    "line": 1,
    "column": 20481,
    "function": "m",
    "inApp": True,
}
_FRAME: Json = {
    "file": "src/cart.ts",
    "absPath": "webpack://shop/./src/cart.ts",
    "function": "applyDiscount",
    "module": None,
    "line": 14,
    "column": 11,
    "inApp": True,
    "contextLine": "    throw new PricingError(`no price for ${item.sku}`);",
    "preContext": ["  if (item.price === undefined) {"],
    "postContext": ["  }"],
    "source": "artifact",
    "sourceMapId": _MAP_ID,
    "minified": {name: value for name, value in _GIVEN.items() if name != "inApp"},
    "unresolved": None,
    "vars": {},
}
_ARTIFACT: Json = {
    "id": _MAP_ID,
    "name": _MAP,
    "kind": "source_map",
    "dist": None,
    "size": 1_482_113,
    "sha256": _SHA256,
    "debugId": "85314830-023f-4cf1-a267-535f4e37bb17",
    "sourceMap": None,
    "sources": 214,
    "mappings": 61_204,
    "warnings": [{"code": "missing_sources_content", "count": 3}],
    "problem": None,
    "uploadedAt": "2026-11-21T09:00:09.500Z",
}
_EXPLANATION: Json = {
    "id": _EVENT_ID,
    "issueId": _ISSUE_ID,
    "origin": "my-app",
    "via": "public",
    "release": "1.2.3",
    "artifacts": 2,
    "elsewhere": [],
    "advice": None,
    "frames": [
        {
            "unresolved": None,
            "foundBy": "url",
            "artifact": _SCRIPT,
            "sourceMap": _MAP,
            "sourceMapId": _MAP_ID,
            "problem": None,
            "alike": [],
            "advice": None,
            "reported": {
                **{name: value for name, value in _GIVEN.items() if name != "inApp"},
                "debugId": None,
                "lookedFor": ["https://shop.example/static/app.min.js", _SCRIPT, "~/app.min.js"],
                "original": _FRAME,
            },
        }
    ],
    "reported": {"version": None, "dist": None},
}

SOURCE_MAP_EXAMPLES: dict[str, Example] = {
    "list_sourcemaps": Example(_OF_RELEASE, {"items": [_ARTIFACT], "total": 1, "nextCursor": None}),
    "check_sourcemaps": Example(
        {**_OF_RELEASE, "files": [{"name": _SCRIPT, "sha256": _SHA256}]}, {"missing": [_SCRIPT]}
    ),
    "resolve_frames": Example(
        {**_OF_RELEASE, "frames": [_GIVEN]},
        {
            "resolved": 1,
            "unresolved": 0,
            "reported": {"errorType": None, "message": None, "frames": [_FRAME], "causes": []},
        },
    ),
    "explain_sourcemaps": Example({"id": _EVENT_ID}, _EXPLANATION),
}
