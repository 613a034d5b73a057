"""Which language the operator is spoken to in: the configuration's, then the environment's, else Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.render.words import Words, words


def interface_words(environ: Mapping[str, str], interface: str = "auto") -> Words:
    """`interface` is [site] interface: "zh", "en" or "auto"; before the file is read it is "auto".

    The first of LC_ALL, LC_MESSAGES, LANG that is set decides, as POSIX has it.
    """
    if interface != "auto":
        return words(interface)
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return words("en" if locale.startswith("en") else "zh")
