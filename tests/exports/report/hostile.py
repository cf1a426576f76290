"""Names as a stranger may give them to designs. No test of its own."""

NAMES = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://example.com/x.png)",
    "a | b | c",
    "`code` and ``more``",
    "**bold** _it_ ~~gone~~",
    "a\\|b\\",
    "&lt;b&gt; &#60;i&#62;",
    "<https://example.com>",
    "</code></pre><svg/onload=alert(1)>",
    "# heading ##",
    "$x$ :smile: @name",
)
