"""A report's Markdown as one HTML file that opens offline: no script, no address, all pictures within."""

import html
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from mnistnet.exports.report.pictures import Picture

# A browser follows this even where something active had got in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


class _Renderer(RendererHTML):
    """HTML with pictures put in, and tables that can be scrolled where the screen is narrow."""

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Mapping[str, Picture]) -> str:
        picture = env[str(tokens[at].attrs["src"])]
        label = html.escape(picture.description, quote=True)
        return f'<span class="chart" role="img" tabindex="0" aria-label="{label}">{picture.svg}</span>'

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return '<div class="table" tabindex="0">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</table>\n</div>\n"


def page(title: str, markdown: str, pictures: Sequence[Picture]) -> str:
    """The HTML file of a report. HTML in the Markdown is shown as text."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    return _PAGE.format(
        policy=html.escape(_POLICY),
        title=html.escape(title),
        style=files(__package__).joinpath("report.css").read_text("utf-8"),
        body=parser.render(markdown, {picture.name: picture for picture in pictures}),
    )
