"""Set-up never fails for libusb-1.0: it is there, or is installed, or one command is printed."""

import subprocess
from typing import Any

import pytest

from randquant.scripts import check_libusb


@pytest.fixture
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_libusb.sys, "platform", "linux")


def test_says_nothing_where_the_library_loads(
    on_linux: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check_libusb, "loads", lambda: True)
    monkeypatch.setattr(check_libusb, "install", pytest.fail)
    assert check_libusb.main() == 0
    assert capsys.readouterr().out == ""


def test_prints_the_command_where_it_may_not_install(
    on_linux: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check_libusb, "loads", lambda: False)
    monkeypatch.setattr(check_libusb, "may_install", lambda: False)
    monkeypatch.setattr(check_libusb, "install", pytest.fail)
    assert check_libusb.main() == 0
    assert check_libusb.COMMAND in capsys.readouterr().out


@pytest.mark.parametrize("works", [True, False])
def test_installs_where_it_may_and_survives_a_failure(
    on_linux: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], works: bool
) -> None:
    commands: list[str] = []

    def pretend(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert not options.get("shell")
        commands.append(" ".join(command))
        return subprocess.CompletedProcess(command, 0 if works else 100)

    monkeypatch.setattr(check_libusb, "loads", lambda: works and bool(commands))
    monkeypatch.setattr(check_libusb, "may_install", lambda: True)
    monkeypatch.setattr(check_libusb.subprocess, "run", pretend)
    assert check_libusb.main() == 0
    assert [command.split()[0] for command in commands] == ["apt-get"] * (2 if works else 1)
    assert commands[0].endswith(" update")
    assert commands[-1].endswith(" install -y libusb-1.0-0") is works
    printed = capsys.readouterr().out
    assert "    apt-get update\n" in printed
    assert (check_libusb.COMMAND in printed) is not works


def test_a_library_that_is_nowhere_does_not_load() -> None:
    assert not check_libusb.loads("libnowhere-1.0.so.0")


def test_only_root_may_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_libusb.os, "geteuid", lambda: 1000)
    assert not check_libusb.may_install()
