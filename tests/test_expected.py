"""Expectations: reading, comparing, and the check that each of them can fail."""

import json

import pytest

from labkit.errors import LabError
from labkit.expected import check_tolerances, compare, describe, parse_expected, read_expected


def spec(free=None, **records):
    return parse_expected(
        {"records": {name: {"reason": "a claim", **entry} for name, entry in records.items()}, "free": free or {}}
    )


BOUND = {"at_least": 0.35, "value": 0.43, "no_effect": 0.1}
VALUE = {"value": 0.5, "tolerance": 0.02, "no_effect": 0.3}
SHARE = {"at_most": 0.1, "value": 0.02, "no_effect": 0.5}
EXACT = {"equals": False, "no_effect": True}
SHOTS = {"value": [0.3, 0.4], "tolerance": [0.02, 0.03], "no_effect": 0.1}


@pytest.mark.parametrize(
    ("entry", "right", "wrong", "said"),
    [
        (BOUND, 0.35, 0.34, "expected at least 0.35"),
        (SHARE, 0.1, 0.11, "expected at most 0.1"),
        (VALUE, 0.52, 0.53, "expected 0.5 ± 0.02"),
        (VALUE, 0.48, 0.47, "expected 0.5 ± 0.02"),
        (VALUE, 0.5, "0.5", "expected a number"),
        (VALUE, 0.5, True, "expected a number"),
        (EXACT, False, True, "expected exactly False"),
        (EXACT, False, 0, "expected exactly False"),
        ({"equals": 200, "no_effect": 0}, 200, 199, "expected exactly 200"),
        (SHOTS, [0.3, 0.4], [0.3, 0.44], "element 1 is 0.44, expected 0.4 ± 0.03"),
        (SHOTS, [0.3, 0.4], [0.3], "expected a list of 2 numbers"),
        (SHOTS, [0.3, 0.4], 0.3, "expected a list of 2 numbers"),
        ({"at_least": [0.2, 0.3], "value": [0.3, 0.4], "no_effect": 0}, [0.2, 0.3], [0.2, 0.2], "element 1"),
    ],
)
def test_a_record_is_compared(entry, right, wrong, said):
    expected = spec(a=entry)
    assert compare(expected, {"a": right}) == {}
    sentence = compare(expected, {"a": wrong})["a"]
    assert sentence.startswith("a is ") and said in sentence and sentence.endswith("Why: a claim.")


def test_relations_between_records():
    expected = spec(free={"b": "a baseline"}, a={"above": "b", "by": 0.02})
    assert compare(expected, {"a": 0.5, "b": 0.4}) == {}
    assert "more than b + 0.02, and b is 0.49" in compare(expected, {"a": 0.5, "b": 0.49})["a"]
    assert "which was not recorded" in compare(expected, {"a": 0.5})["a"]
    strict = spec(free={"b": "a baseline"}, a={"above": "b"})
    assert compare(strict, {"a": 0.5, "b": 0.5})


def test_relations_between_intervals():
    expected = spec(free={"b": "a baseline"}, a={"above_interval_of": "b"})
    assert compare(expected, {"a": [0.5, 0.6], "b": [0.3, 0.4]}) == {}
    assert "wholly above b, which is 0.3, 0.55" in compare(expected, {"a": [0.5, 0.6], "b": [0.3, 0.55]})["a"]
    assert "an interval" in compare(expected, {"a": 0.5, "b": [0.3, 0.4]})["a"]


def test_a_relation_beside_a_bound():
    expected = spec(free={"b": "a baseline"}, a={**BOUND, "above": "b"})
    assert describe(expected.records["a"]) == "at least 0.35, more than b"
    assert "at least" in compare(expected, {"a": 0.2, "b": 0.1})["a"]
    assert "more than b" in compare(expected, {"a": 0.4, "b": 0.41})["a"]


BY_CONFIG = {"value": {"greedy": 0.5, "beams": 0.6}, "tolerance": 0.02, "no_effect": {"greedy": 0.3, "beams": 0.4}}


def test_a_dict_is_compared_value_by_value():
    expected = spec(a=BY_CONFIG)
    assert compare(expected, {"a": {"greedy": 0.51, "beams": 0.59}}) == {}
    found = compare(expected, {"a": {"greedy": 0.51, "beams": 0.5}})
    assert list(found) == ["a[beams]"] and "expected 0.6 ± 0.02" in found["a[beams]"]
    assert set(compare(expected, {"a": {"greedy": 0.5, "other": 1}})) == {"a[beams]", "a[other]"}
    assert set(compare(expected, {"a": 0.5})) == {"a[greedy]", "a[beams]", "a"}
    assert check_tolerances(expected) == []
    (problem,) = check_tolerances(spec(a={**BY_CONFIG, "tolerance": {"greedy": 0.02, "beams": 0.2}}))
    assert problem.startswith("a[beams]: the tolerance 0.2")


def test_values_of_a_dict_have_expectations_relations_and_reasons_of_their_own():
    interval = {"above_interval_of": "a[hot][interval]"}
    expected = spec(
        free={"a[hot][interval]": "noise", "b": "depends on the machine"}, **{"a[cold][interval]": interval}
    )
    records = {"a": {"cold": {"interval": [0.5, 0.6]}, "hot": {"interval": [0.3, 0.4]}}, "b": {"greedy": 100}}
    assert compare(expected, records) == {}
    records["a"]["hot"]["interval"] = [0.3, 0.5]
    assert list(compare(expected, records)) == ["a[cold][interval]"]
    assert set(compare(expected, {"a": records["a"], "c": {"x": 1}})) == {"a[cold][interval]", "b", "c[x]"}
    both = spec(a={"above": "b[greedy]", "value": 0.5, "by": 0.15}, b=BY_CONFIG)
    assert check_tolerances(both) != [] and "b[greedy] is 0.5" in compare(both, {"a": 0.5, "b": {"greedy": 0.5}})["a"]


def test_missing_and_unlisted_records_are_told():
    found = compare(spec(a=BOUND, free={"b": "noise"}), {"c": 1})
    assert set(found) == {"a", "b", "c"}
    assert "was not recorded" in found["a"] and "neither expected nor listed as free" in found["c"]


@pytest.mark.parametrize("entry", [BOUND, VALUE, SHARE, EXACT, SHOTS])
def test_good_expectations_pass_the_check(entry):
    assert check_tolerances(spec(a=entry)) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**VALUE, "tolerance": 0.1}, "not between 0 and 0.1"),
        ({**VALUE, "tolerance": 0}, "not between 0"),
        ({**BOUND, "at_least": 0.05}, "not between no effect"),
        ({**BOUND, "at_least": 0.44}, "not between no effect"),
        ({**BOUND, "at_least": 0.2}, "nearer to no effect"),
        ({**SHARE, "at_most": 0.4}, "nearer to no effect"),
        ({**SHARE, "at_most": 0.01}, "not between no effect"),
        ({"equals": 3, "no_effect": 3}, "the same as no_effect"),
        ({**SHOTS, "tolerance": [0.02, 0.2]}, r"the tolerance 0.2 is not between 0 and 0.15"),
        ({**SHOTS, "no_effect": [0.1, 0.1, 0.1]}, "do not fit together"),
    ],
)
def test_lax_expectations_are_found(entry, said):
    (problem,) = check_tolerances(spec(a=entry))
    assert problem.startswith("a: ") and said in problem


@pytest.mark.parametrize(("by", "fine"), [(0.15, True), (0.05, False), (0.25, False), (0, False)])
def test_a_lone_relation_needs_a_margin(by, fine):
    other = {"value": 0.3, "tolerance": 0.01, "no_effect": 0.1}
    assert (check_tolerances(spec(a={"above": "b", "by": by, "value": 0.5}, b=other)) == []) is fine


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"atleast": 1}, "it has 'atleast'"),
        ({"at_least": 1, "value": 2}, "no_effect"),
        ({"at_least": 1, "no_effect": 0}, "measured value"),
        ({"at_least": 1, "at_most": 2, "value": 1, "no_effect": 0}, "of which an expectation has one"),
        ({"value": 1, "no_effect": 0}, "no bound"),
        ({"value": 1, "tolerance": 0.1, "no_effect": 0, "reason": " "}, "no reason"),
        ({"above": "nobody", "by": 1}, "refers to 'nobody'"),
        ({"equals": 1, "no_effect": 0, "by": 1}, "'by' without 'above'"),
        ({**BY_CONFIG, "tolerance": {"greedy": 0.02}}, "value and tolerance and no_effect do not have the same keys"),
    ],
)
def test_malformed_expectations_are_refused(entry, said):
    with pytest.raises(LabError, match=said):
        spec(a=entry)


def test_free_needs_a_reason_and_excludes_expected():
    with pytest.raises(LabError, match="needs a reason"):
        spec(free={"b": ""})
    with pytest.raises(LabError, match="under free as well"):
        spec(free={"a": "noise"}, a=BOUND)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "01.json"
    path.write_text(json.dumps({"records": {}, "free": {"a": "noise"}}))
    assert read_expected(path).free == {"a": "noise"}
    path.write_text("{")
    with pytest.raises(LabError, match="not JSON"):
        read_expected(path)
