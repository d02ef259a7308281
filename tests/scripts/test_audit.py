"""Known vulnerabilities are listed with the versions that fix them."""

from scripts.audit import list_faults


def test_each_vulnerability_is_a_line() -> None:
    found = [{"id": "PYSEC-1", "fix_versions": ["3.1"]}, {"id": "PYSEC-2", "fix_versions": []}]
    lines = list_faults([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "2", "vulns": found}])
    assert [line.split(",")[0] for line in lines] == ["b 2: PYSEC-1", "b 2: PYSEC-2"]
    assert "3.1" in lines[0]
