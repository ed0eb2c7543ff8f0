"""The commands of a page's questions are run again, in a folder of their own."""

from pathlib import Path

import pytest

from randquant.cli.command import run
from randquant.scripts.reproduce import arguments, reproduce
from randquant.scripts.reproduction.page import Question, questions

PAGE = """# Results

```bash
echo this is below no question
```

## What are the data?

```bash
D=.../data
wc -l < $D/rows.csv > rows
```

Words.

## Do rows have a sum?

```python
print("not bash")
```

```bash
for s in 1 2; do echo $(($(cat rows) + s)) >> sums; done
```

### In detail

```bash
ls scripts/reproduce.py >> sums  # the clone is there
```

## What is left?

Nothing.
"""
Said = pytest.CaptureFixture[str]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "rows.csv").write_text("1\n2\n3\n")
    path = tmp_path / "PAGE.md"
    path.write_text(PAGE)
    return path


def again(*words: object) -> int:
    return run(reproduce, arguments([str(word) for word in words]))


def test_questions_are_listed_and_nothing_is_run(page: Path, capsys: Said) -> None:
    assert [each.title for each in questions(page)] == ["What are the data?", "Do rows have a sum?"]
    assert again(page) == 0
    assert "Do rows have a sum?" in capsys.readouterr().out
    assert sorted(path.name for path in page.parent.iterdir()) == ["PAGE.md", "here"]


def test_commands_run_in_the_order_asked_for(page: Path, capfd: Said) -> None:
    out, data = page.parent / "out", f".../data={page.parent / 'here'}"
    assert again(page, "--only", "THE DATA", "a sum", "--data", data, "--out", out) == 0
    assert (out / "sums").read_text() == "4\n5\nscripts/reproduce.py\n"
    assert "[2/2] Do rows have a sum?" in capfd.readouterr().out
    assert again(page, "--only", "a sum", "--out", out) == 0  # in a folder that is there


def test_what_the_page_leaves_open_is_asked_for(page: Path, capsys: Said) -> None:
    assert again(page, "--only", "the data", "--out", page.parent / "out") == 2
    assert "--data .../data=FOLDER" in capsys.readouterr().err
    assert not (page.parent / "out").exists()


@pytest.mark.parametrize(("only", "said"), [("what", "is of 2"), ("neither", "is of 0")])
def test_words_of_no_question_or_several(page: Path, only: str, said: str, capsys: Said) -> None:
    page.write_text(PAGE.replace("Nothing.", "```bash\ntrue\n```"))
    assert again(page, "--only", only, "--out", page.parent / "out") == 2
    assert said in capsys.readouterr().err


def test_a_command_that_fails_ends_it(page: Path, capfd: Said) -> None:
    page.write_text("## Fails?\n\n```bash\nfalse\necho went on > went\n```\n")
    assert again(page, "--only", "fails", "--out", page.parent / "out") == 1
    assert "'Fails?' failed, exit code 1" in capfd.readouterr().err
    assert not (page.parent / "out" / "went").exists()


def test_a_page_without_commands(page: Path, capsys: Said) -> None:
    page.write_text("# Nothing\n\nto run\n")
    assert again(page) == 1
    assert "holds no commands" in capsys.readouterr().err


def test_the_page_of_results_has_questions() -> None:
    found = questions(Path(__file__).parents[2] / "RESULTS.md")
    assert found[0].title == "What are the data?"
    assert all(isinstance(each, Question) and "python -m scripts." in each.commands for each in found)
