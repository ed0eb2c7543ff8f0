"""The demo: every command that it types is one, and its tables show what the commands wrote."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from randquant.cli.command import run
from randquant.scripts import demo

FUNCTIONS = {
    "pretrain_audio": "pretrain_audio",
    "pretrain_pointcloud": "pretrain_pointcloud",
    "pretrain_images": "pretrain_images",
    "probe_audio": "probe",
    "evaluate_modelnet": "evaluate",
    "probe_images": "probe",
}
ACCURACY = {"untrained": 0.25, "pretrained": 0.75}


def test_its_commands_are_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed: list[str] = []

    def step(script: str, *words: object) -> None:
        """Read the flags as the command would, and write results where it would."""
        arguments, module = list(map(str, words)), import_module(f"randquant.scripts.{script}")
        typed.append(script)
        if script == "prepare":
            assert arguments[0] in module.COMMANDS
            return
        with pytest.raises(SystemExit) as end:
            run(getattr(module, FUNCTIONS[script]), [*arguments, "--print_config"])
        assert end.value.code == 0
        out = Path(arguments[arguments.index("--out") + 1])
        if out.suffix == ".json":
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps({"accuracy": ACCURACY[out.stem], "ci95": 0.01}))

    monkeypatch.setattr(demo, "_step", step)
    demo.demo(tmp_path)
    assert set(typed) == {"prepare", *FUNCTIONS}
    shown = capsys.readouterr().out
    for expected in demo.EXPECTED.values():
        assert f"{expected.what}  " in shown
        assert expected.pretrained in shown
    assert shown.count("0.250 ± 0.010") == shown.count("0.750 ± 0.010") == 3
    assert "everything is in" in shown
