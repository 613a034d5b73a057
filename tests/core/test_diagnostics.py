"""The catalogue of findings: stable, complete, and readable in both languages."""

from __future__ import annotations

import re

import pytest

from publisher.core.diagnostics import CATALOGUE, MOST_OF_A_KIND, Code, Diagnostic, Findings, has_errors
from publisher.render.words import words

EVERY_CODE = pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.slug)

# A code is public: a line here may be added, never changed.
PUBLIC = {
    "E101": "date-missing",
    "E102": "date-invalid",
    "E103": "date-disagrees-name",
    "E104": "date-disagrees-matter",
    "E105": "matter-disagrees-name",
    "E106": "entry-before-date",
    "E107": "front-matter-broken",
    "E111": "encoding-unknown",
    "E112": "control-character",
    "E113": "file-too-large",
    "E114": "file-unreadable",
    "E115": "file-name-unreadable",
    "E121": "duplicate-id",
    "W201": "heading-spelling",
    "W202": "heading-without-date",
    "W203": "no-entries",
    "W204": "file-empty",
    "W205": "duplicate-number",
    "W206": "day-repeated",
    "W207": "encoding-gb18030",
    "W208": "front-matter-unclosed",
    "W209": "draft-unclear",
    "W211": "list-item-healed",
    "W212": "short-link-cut",
    "W213": "doubled-word",
    "W214": "doubled-punctuation",
    "W215": "image-without-alt",
    "W216": "media-missing",
    "W217": "entry-empty",
    "W218": "fence-unclosed",
    "W219": "raw-html",
    "W220": "weekday-wrong",
    "W221": "comment-hidden",
    "W222": "comment-unclosed",
    "W223": "id-invalid",
    "W224": "id-second",
    "W225": "title-second",
    "W226": "media-outside",
    "W227": "media-too-large",
    "W228": "media-type",
    "W229": "comment-hides-entries",
    "W231": "near-duplicate",
    "W232": "archived-late",
    "W233": "two-candidates",
    "W234": "file-vanished",
    "W235": "entry-too-similar",
    "W236": "entry-withdrawn",
    "W237": "entry-repeated",
    "I301": "number-gap",
    "I302": "front-matter-key",
    "I303": "entry-draft",
    "I304": "day-draft",
    "I305": "image-remote",
    "I306": "no-end-punctuation",
    "I307": "reference-definition",
    "I308": "emoji-unknown",
    "I309": "file-settling",
    "I310": "day-future",
    "I311": "number-order",
    "I312": "entry-moved",
    "I313": "entry-edited",
    "I314": "day-in-files",
}


def test_no_code_ever_changes_its_meaning() -> None:
    codes = {spec.code: slug for slug, spec in CATALOGUE.items()}
    assert {code: codes.get(code) for code in PUBLIC} == PUBLIC


def test_codes_and_slugs_are_unique() -> None:
    assert len({spec.code for spec in CATALOGUE.values()}) == len(CATALOGUE)
    assert all(spec.slug == slug for slug, spec in CATALOGUE.items())


@EVERY_CODE
def test_the_letter_of_a_code_is_its_level(spec: Code) -> None:
    assert re.fullmatch(r"E1\d\d|W2\d\d|I3\d\d", spec.code)
    assert spec.level == {"E": "error", "W": "warning", "I": "info"}[spec.code[0]]


@EVERY_CODE
def test_every_finding_says_how_to_mend_it(spec: Code) -> None:
    assert spec.message
    assert spec.fix
    for sentence in (spec.message, spec.fix):
        assert not sentence.endswith(".")  # they stand in one line: 'message — fix'
        assert "\n" not in sentence


@EVERY_CODE
def test_every_finding_is_a_sentence_in_both_languages(spec: Code) -> None:
    params = {name: f"<{name}>" for name in spec.names}
    found = Diagnostic(file="a.md", line=1, column=1, slug=spec.slug, params=params)
    english, chinese = words("en").diagnostic(found), words("zh").diagnostic(found)
    for en, zh in zip(english, chinese, strict=True):
        assert not re.search(r"[㐀-鿿]", en.replace("……", ""))
        assert re.search(r"[一-鿿]", zh), "not translated"
        assert "{" not in en + zh
    for name in spec.names:
        assert f"<{name}>" in "".join(english)
        assert f"<{name}>" in "".join(chinese)


@EVERY_CODE
def test_chinese_sentences_use_the_parameters_of_the_english_ones(spec: Code) -> None:
    translate = words("zh")
    for sentence in (spec.message, spec.fix):
        names = re.findall(r"\{(\w+)\}", sentence)
        assert sorted(re.findall(r"\{(\w+)\}", translate(sentence))) == sorted(names)


def test_a_healed_list_item_reads_as_the_curator_expects() -> None:
    found = Diagnostic(file="a.md", line=281, column=1, slug="list-item-healed", params={"joined": 283})
    assert words("zh").diagnostic(found)[0] == "列表项断行，已与 283 行合并"


def test_findings_come_in_the_order_of_their_places() -> None:
    found = Findings("a.md")
    found.add("number-gap", 9, before=1, after=3)
    found.add("file-empty", 1)
    found.add("comment-unclosed", 1, 7)
    assert [d.slug for d in found.in_order()] == ["file-empty", "comment-unclosed", "number-gap"]
    assert {d.file for d in found.in_order()} == {"a.md"}


def test_a_hostile_file_does_not_flood_the_terminal() -> None:
    found = Findings("a.md")
    for line in range(1, 100_000):
        found.add("comment-unclosed", line)
    found.add("date-missing", 1)
    assert len(found.in_order()) == MOST_OF_A_KIND + 1
    assert has_errors(found.in_order())


def test_only_an_error_keeps_a_file_from_being_published() -> None:
    found = Findings("a.md")
    found.add("file-empty", 1)
    found.add("number-gap", 1, before=1, after=3)
    assert not has_errors(found.in_order())
    found.add("date-missing", 1)
    assert has_errors(found.in_order())
