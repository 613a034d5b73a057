"""Which entry is which: scenes from a curator's life."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections.abc import Collection, Mapping
from datetime import date

import pytest
from msgspec.structs import replace

from publisher.core.identity import (
    Found,
    Known,
    Matching,
    Place,
    _Library,
    clashing_ids,
    guid,
    match,
    mint_uid,
    permalink,
)
from publisher.core.likeness import (
    SKETCH,
    Arrival,
    containment,
    dice,
    grams_of,
    near_duplicates,
    shingle_text,
    sketch,
)

DAY, NEXT = date(2026, 3, 4), date(2026, 3, 5)

HARBOUR = (
    "老港口的吊车停了三年，去年秋天又响了起来。先回来的是修船的人，他们把锈掉的船坞一段一段补好，"
    "再是卖面的夫妻，铺子还开在原来的拐角。镇上没有人说这是复兴，大家只说，夜里又有灯了。"
)
SALT = (
    "晒盐要看云。父亲那一辈能从傍晚的风里闻出第二天的太阳，如今盐田旁立着气象站，数字准得多，"
    "可是守田的人反而少了。最后三户人家约好，谁先走，谁就把闸门的钥匙留给剩下的人。"
)
TRAIN = (
    "绿皮车每天清早六点经过山口，车上一半是学生，一半是挑着菜的老人。票价三块五，三十年没有变过。"
    "列车长记得每个人在哪一站下车，若有谁睡着了，他会轻轻敲一敲座椅的铁扶手。"
)


def _sha(text: str) -> str:
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()


def _known(uid: str, text: str, **facts: object) -> Known:
    base = Known(uid=uid, day=DAY, sha=_sha(text), file="a.md", number=1, published=True)
    TEXTS[uid] = text
    return replace(base, **facts)  # type: ignore[arg-type]


def _found(text: str, **facts: object) -> Found:
    number = facts.get("number", 1)
    place = facts.pop("place", Place("a.md", 0, int(number or 1)))  # type: ignore[call-overload]
    base = Found(place=place, day=DAY, sha=_sha(text), text=text, number=1)
    return replace(base, **facts)  # type: ignore[arg-type]


TEXTS: dict[str, str] = {}


def _texts_of(uids: Collection[str]) -> Mapping[str, str]:
    return {uid: TEXTS[uid] for uid in uids}


def _match(known: list[Known], found: list[Found], **more: object) -> Matching:
    return match(known, found, texts_of=_texts_of, **more)  # type: ignore[arg-type]


def _uids(matching: Matching) -> list[str]:
    return [one.uid for one in matching.matches]


def test_an_unchanged_entry_is_unchanged() -> None:
    matching = _match([_known("old", HARBOUR)], [_found(HARBOUR)])
    assert _uids(matching) == ["old"]
    assert matching.matches[0].change == "unchanged"
    assert not matching.withdrawn


def test_a_typo_keeps_the_name() -> None:
    matching = _match([_known("old", HARBOUR)], [_found(HARBOUR.replace("三年", "四年"))])
    assert _uids(matching) == ["old"]
    assert matching.matches[0].change == "edited"


def test_a_paragraph_added_or_dropped_keeps_the_name() -> None:
    both = HARBOUR + "\n\n" + SALT[:40]
    assert _uids(_match([_known("old", HARBOUR)], [_found(both)])) == ["old"]
    assert _uids(_match([_known("old", both)], [_found(HARBOUR)])) == ["old"]


def test_a_move_to_another_day_keeps_the_name() -> None:
    moved = _found(HARBOUR, day=NEXT, place=Place("b.md"), number=7)
    matching = _match([_known("old", HARBOUR)], [moved])
    assert _uids(matching) == ["old"]
    assert matching.matches[0].change == "moved"
    assert matching.matches[0].renumbered


def test_a_renamed_file_changes_nothing() -> None:
    matching = _match([_known("old", HARBOUR)], [_found(HARBOUR, place=Place("moved/a.md"))])
    assert _uids(matching) == ["old"]
    assert matching.matches[0].change == "unchanged"


def test_an_entry_put_in_front_renumbers_the_others() -> None:
    known = [_known("one", HARBOUR, number=1), _known("two", SALT, number=2)]
    found = [_found(TRAIN, number=1), _found(HARBOUR, number=2), _found(SALT, number=3)]
    matching = _match(known, found)
    assert _uids(matching)[1:] == ["one", "two"]
    assert [one.change for one in matching.matches] == ["new", "renumbered", "renumbered"]


def test_two_entries_swapped_and_both_edited_keep_their_names() -> None:
    known = [_known("one", HARBOUR, number=1), _known("two", SALT, number=2)]
    found = [
        _found(SALT.replace("看云", "看天"), number=1),
        _found(HARBOUR.replace("吊车", "汽笛"), number=2),
    ]
    matching = _match(known, found)
    assert _uids(matching) == ["two", "one"]
    assert not matching.doubts


def test_of_a_split_entry_the_longer_part_keeps_the_name() -> None:
    whole = HARBOUR + SALT + TRAIN
    parts = [_found(HARBOUR, number=1), _found(SALT + TRAIN, number=2)]
    matching = _match([_known("old", whole)], parts)
    assert matching.matches[1].uid == "old"
    assert matching.matches[0].change == "new"


def test_an_entry_cut_to_a_quarter_keeps_the_name() -> None:
    whole = HARBOUR + SALT + TRAIN + "".join(reversed(HARBOUR)) + "".join(reversed(SALT))
    assert _uids(_match([_known("old", whole)], [_found(HARBOUR, day=NEXT)])) == ["old"]


def test_of_two_merged_entries_the_longer_one_lives_on() -> None:
    known = [_known("short", HARBOUR, number=1), _known("long", SALT + TRAIN, number=2)]
    matching = _match(known, [_found(HARBOUR + SALT + TRAIN, number=1)])
    assert _uids(matching) == ["long"]
    assert matching.withdrawn == ("short",)


def test_a_text_replaced_under_the_same_number_is_another_entry() -> None:
    matching = _match([_known("old", HARBOUR)], [_found(SALT)])
    assert matching.matches[0].change == "new"
    assert matching.withdrawn == ("old",)


def test_a_short_text_is_recognised_on_its_own_date_alone() -> None:
    short, edited = "今天港口起雾，轮渡停航半日，午后恢复。", "今天港口起雾，轮渡停航一日，午后恢复。"
    assert _uids(_match([_known("old", short)], [_found(edited)])) == ["old"]
    assert _match([_known("old", short)], [_found(edited, day=NEXT)]).matches[0].change == "new"


def test_nearly_equal_candidates_are_told_and_the_number_decides() -> None:
    known = [_known("one", HARBOUR + "甲乙丙", number=1), _known("two", HARBOUR + "子丑寅", number=2)]
    matching = _match(known, [_found(HARBOUR, number=2)])
    assert _uids(matching) == ["two"]
    assert [(doubt.uid, [uid for _, uid, _ in doubt.rivals]) for doubt in matching.doubts] == [
        ("two", ["one"])
    ]


def test_an_explicit_id_wins_over_any_text() -> None:
    known = [_known("named", HARBOUR, explicit_id="harbour"), _known("other", SALT, number=2)]
    matching = _match(known, [_found(SALT, explicit_id="harbour", day=NEXT), _found(SALT, number=2)])
    assert _uids(matching) == ["named", "other"]


def test_entries_with_different_explicit_ids_are_never_one() -> None:
    found = _found(HARBOUR.replace("三年", "四年"), explicit_id="new")
    assert _match([_known("old", HARBOUR, explicit_id="old")], [found]).matches[0].change == "new"


def test_an_explicit_id_added_later_keeps_the_name() -> None:
    assert _uids(_match([_known("old", HARBOUR)], [_found(HARBOUR, explicit_id="harbour")])) == ["old"]


def test_an_explicit_id_in_two_places_is_reported_and_not_trusted() -> None:
    found = [_found(SALT, explicit_id="x", number=2), _found(HARBOUR, explicit_id="x", place=Place("b.md"))]
    assert clashing_ids(found) == {"x": (Place("a.md", 0, 2), Place("b.md"))}
    assert _uids(_match([_known("old", HARBOUR, explicit_id="x")], found))[1] == "old"


def test_a_removed_entry_is_withdrawn_and_comes_back_as_itself() -> None:
    old = _known("old", HARBOUR)
    assert _match([old], []).withdrawn == ("old",)
    back = _match([replace(old, state="withdrawn")], [_found(HARBOUR.replace("三年", "四年"), day=NEXT)])
    assert _uids(back) == ["old"]
    assert back.matches[0].returned


def test_a_living_entry_is_preferred_to_a_withdrawn_one() -> None:
    known = [_known("gone", HARBOUR, state="withdrawn"), _known("here", HARBOUR, day=NEXT)]
    assert _uids(_match(known, [_found(HARBOUR)])) == ["here"]


def test_an_entry_withdrawn_before_is_not_withdrawn_again() -> None:
    assert _match([_known("gone", HARBOUR, state="withdrawn")], []) == Matching(matches=())


def test_entries_of_a_file_with_an_error_stay_untouched() -> None:
    matching = _match([_known("old", HARBOUR), _known("b", SALT, file="b.md")], [], unread=["a.md"])
    assert matching.untouched == ("old",)
    assert matching.withdrawn == ("b",)


def test_an_entry_moved_out_of_a_file_that_now_has_an_error_keeps_its_name() -> None:
    moved = _found(HARBOUR, place=Place("b.md"), day=NEXT)
    assert _uids(_match([_known("old", HARBOUR)], [moved], unread=["a.md"])) == ["old"]


def test_a_text_like_one_in_a_file_with_an_error_does_not_take_its_name() -> None:
    other = _found(HARBOUR.replace("三年", "四年"), place=Place("b.md"))
    matching = _match([_known("old", HARBOUR)], [other], unread=["a.md"])
    assert matching.matches[0].change == "new"
    assert matching.untouched == ("old",)


def test_an_adopted_entry_of_an_unknown_file_is_spared_while_any_file_has_an_error() -> None:
    assert _match([_known("old", HARBOUR, file="")], [], unread=["z.md"]).untouched == ("old",)


def _library(n: int, **facts: object) -> list[Known]:
    return [_known(f"k{i}", f"第{i}篇" + SALT[i % 7 :], file=f"{i}.md", number=i, **facts) for i in range(n)]


def test_a_folder_that_could_not_be_read_withdraws_nothing() -> None:
    matching = _match(_library(2), [], complete=False)
    assert not matching.withdrawn
    assert not matching.guard
    assert set(matching.untouched) == {"k0", "k1"}


@pytest.mark.parametrize(
    ("total", "gone", "guarded"), [(3, 3, False), (4, 4, True), (20, 6, False), (20, 7, True)]
)
def test_too_many_published_entries_vanishing_stops_the_scan(total: int, gone: int, *, guarded: bool) -> None:
    known = _library(total)
    stay = [
        Found(place=Place(k.file), day=k.day, sha=k.sha, text=TEXTS[k.uid], number=k.number)
        for k in known[gone:]
    ]
    matching = _match(known, stay)
    assert matching.guard is guarded
    assert len(matching.vanishing) == (gone if guarded else 0)
    assert len(matching.withdrawn) == (0 if guarded else gone)
    assert len(_match(known, stay, accept_withdrawals=True).withdrawn) == gone


def test_unpublished_entries_may_vanish_freely() -> None:
    assert not _match(_library(9, published=False), []).guard


def test_texts_are_asked_for_once_and_only_for_what_is_left() -> None:
    asked: list[list[str]] = []

    def texts_of(uids: Collection[str]) -> Mapping[str, str]:
        asked.append(sorted(uids))
        return _texts_of(uids)

    known = [
        _known("same", HARBOUR),
        _known("edited", SALT, number=2),
        _known("gone", TRAIN, state="withdrawn"),
    ]
    match(known, [_found(HARBOUR), _found(SALT + "。", number=2)], texts_of=texts_of)
    assert asked == [["edited", "gone"]]
    match(known[:1], [_found(HARBOUR)], texts_of=texts_of)
    assert len(asked) == 1


def test_the_same_text_twice_gets_two_names() -> None:
    matching = _match([], [_found(HARBOUR, number=1), _found(HARBOUR, number=2)])
    one, two = _uids(matching)
    assert one != two


def test_a_new_name_comes_from_day_and_text_alone() -> None:
    uid = mint_uid(DAY, HARBOUR, ())
    assert uid == mint_uid(DAY, HARBOUR.replace("，", "，\r\n\u200b "), ())
    assert uid != mint_uid(NEXT, HARBOUR, ())
    assert mint_uid(DAY, HARBOUR, {uid}) not in {uid}
    assert len(uid) == 10
    assert uid == uid.lower()
    assert set(uid) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_guid_and_permalink_are_made_of_day_and_uid() -> None:
    assert guid("example.org", DAY, "abcdefghij") == "tag:example.org,2026-03-04:abcdefghij"
    assert permalink(DAY, "abcdefghij") == "2026/03/04/abcdefghij/"
    assert permalink(date(987, 1, 2), "abcdefghij") == "0987/01/02/abcdefghij/"


def test_comparison_sees_letters_alone() -> None:
    assert shingle_text("ＧＰＵ 2025，“见” https://example.org/x？好\n") == "gpu见好"
    assert grams_of("你好") == {"你好"}
    assert grams_of("，。") == frozenset()
    assert dice(frozenset(), frozenset()) == containment(frozenset(), frozenset()) == 0.0


def test_a_sketch_is_the_same_in_every_process() -> None:
    program = "import sys; from publisher.core.likeness import sketch; print(sketch(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", program, HARBOUR], capture_output=True, check=True, text=True, encoding="utf-8"
    )
    assert other.stdout.strip() == str(sketch(HARBOUR))
    assert len(sketch(HARBOUR * 2 + SALT)) == SKETCH


def arrival(*, uid: str, file: str, text: str) -> Arrival:
    return Arrival(uid=uid, file=file, text=text, sketch=sketch(text))


def _near(arrivals: list[Arrival], old: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    index: dict[int, list[str]] = {}
    for uid, (_, text) in old.items():
        for value in sketch(text):
            index.setdefault(value, []).append(uid)
    found = near_duplicates(
        arrivals,
        index=index,
        file_of={uid: file for uid, (file, _) in old.items()},
        texts_of=lambda uids: {uid: old[uid][1] for uid in uids},
    )
    return [(one.uid, one.of) for one in found]


def test_a_repetition_of_an_older_entry_in_another_file_is_noticed() -> None:
    old = {"old": ("2026-01.md", HARBOUR), "else": ("2026-02.md", SALT)}
    again = arrival(uid="new", file="a.md", text=HARBOUR.replace("三年", "四年"))
    assert _near([again], old) == [("new", "old")]


def test_a_repetition_in_its_own_file_is_the_curators_wish() -> None:
    assert _near([arrival(uid="new", file="a.md", text=HARBOUR)], {"old": ("a.md", HARBOUR)}) == []


def test_of_two_alike_arrivals_the_first_is_the_original() -> None:
    arrivals = [arrival(uid="one", file="a.md", text=HARBOUR), arrival(uid="two", file="b.md", text=HARBOUR)]
    assert _near(arrivals, {}) == [("two", "one")]


def test_a_different_text_is_no_repetition() -> None:
    assert (
        _near([arrival(uid="new", file="a.md", text=HARBOUR)], {"old": ("b.md", SALT + HARBOUR[:30])}) == []
    )


def test_a_mass_of_alike_texts_is_not_compared_all_with_all() -> None:
    rng = random.Random(4)
    texts = ["".join(rng.choices(HARBOUR + SALT + TRAIN, k=90)) for _ in range(300)]
    known = [_known(f"u{i}", text, file=f"{i // 9}.md", number=i % 9) for i, text in enumerate(texts)]
    found = [
        _found(f"{text}又及。", number=i % 9, place=Place(f"{i // 9}.md", 0, i % 9))
        for i, text in enumerate(texts)
    ]
    library = _Library(known, dict(enumerate(texts)))
    assert max(len(library.candidates(f, grams_of(f.text))) for f in found) <= 16
    assert _uids(_match(known, found)) == [k.uid for k in known]
