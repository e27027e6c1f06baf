"""Templates are read by people too: no line is longer than 120 characters. `{##}` at the end of a line joins it with the next one."""

from duban.settings import PROJECT


def test_lines_are_short():
    templates = sorted((PROJECT / "dags").rglob("*.j2"))
    assert len(templates) > 30
    assert not [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in templates
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
