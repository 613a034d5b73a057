"""publisher: a folder of daily Markdown documents becomes feeds, pages and a mailed digest.

The map of the house; imports run only downwards (held by import-linter, see pyproject.toml):

    cli, __main__        askers: turn a command line into a verb and its report into words
    web   scheduler      askers too: the site for readers (Starlette, uvicorn)   the clock (APScheduler)
    wiring               the one place where all floors meet; the only wall clock
    equipping            the parts that a verb works with, made of the configuration
    app                  what we do: one verb a file, each may run twice safely
    adapters             how we reach out: files, HTTP, mail; reached through app.ports
    render   store       what things look like (pure)   what we remember (SQLAlchemy Core)
    config               config.toml as one frozen value
    core                 what things are: no clock, network, file, database or randomness
"""

__version__ = "0.1.0"
