"""Jinja: the user's templates over the shipped ones, with our words and addresses; a misspelt name is an error."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.core.errors import TemplateError
from publisher.core.site import Site
from publisher.render.words import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import BytecodeCache
    from jinja2.runtime import Context

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_templates() -> Path:
    """Our own templates: inside an installed package, or at the top of a checkout."""
    installed = _PACKAGE / "_shipped" / "templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


def _of_this_site(filter_: Callable[[str], str]) -> Callable[[Context, str], str]:
    """A filter whose answers belong to one site: asked for a context, Jinja writes none of them into the bytecode,
    which outlives the site's address."""
    from jinja2 import pass_context

    kept = lru_cache(maxsize=4096)(filter_)
    return pass_context(lambda _context, path: kept(path))


class Templates:
    """Renders named templates for one site in one language.

    A file of the same name in `user_folder` wins; `{% extends "default/web/day.html" %}` still reaches ours.
    Every template knows `site`, `_` (words: `_("{n} entries", n=3)`), `words`, and the filters
    `absolute` (path below the site root → full address) and `root` (→ root-relative address).
    `compiled` keeps what templates were translated to; without it each is translated when it is first used.
    `watched`: a template that was edited meanwhile is read again; else what was read once stays for this value's life.
    Autoescape is on for .html and .xml. Raises TemplateError naming the template, the line and the fault.
    """

    def __init__(
        self,
        site: Site,
        *,
        language: str | None = None,
        user_folder: Path | None = None,
        compiled: BytecodeCache | None = None,
        watched: bool = False,
    ) -> None:
        import jinja2  # where nothing is drawn, nothing of it is loaded

        ours = jinja2.FileSystemLoader(shipped_templates())
        loaders: list[jinja2.BaseLoader] = [ours, jinja2.PrefixLoader({"default": ours})]
        if user_folder is not None:
            loaders.insert(0, jinja2.FileSystemLoader(user_folder))
        self.site = site
        self.words = words(language or site.language)
        self.environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader(loaders),
            undefined=jinja2.StrictUndefined,
            autoescape=jinja2.select_autoescape(("html", "xml"), default_for_string=True, default=False),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            bytecode_cache=compiled,
            auto_reload=watched,
        )
        self.environment.globals.update(site=site, _=self.words, words=self.words)
        self.environment.filters.update(absolute=_of_this_site(site.absolute), root=_of_this_site(self._root))

    def _root(self, path: str) -> str:
        return self.site.absolute(path).removeprefix(self.site.url.removesuffix(self.site.base_path))

    def render(self, template: str, /, **context: Any) -> str:
        import jinja2

        try:
            return self.environment.get_template(template).render(**context)
        except jinja2.TemplateSyntaxError as exc:
            raise TemplateError(
                "{name}:{line}: {what}",
                name=exc.filename or exc.name or template,
                line=exc.lineno,
                what=exc.message,
            ) from exc
        except jinja2.TemplateError as exc:
            raise TemplateError("{name}: {what}", name=template, what=exc.message or repr(exc)) from exc
