import os
import subprocess
from pathlib import Path

import pytest

from riskcontrol.errors import ServerError
from riskcontrol.servers import java as module
from riskcontrol.servers.java import java, java_home_for_spark


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_java_found_is_of_the_version_that_all_parts_run_on() -> None:
    said = subprocess.run([str(java()), "-version"], capture_output=True, text=True, check=True).stderr
    assert f'version "{module.VERSION}' in said


def test_the_environment_names_another_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = program(tmp_path / "java", "#!/bin/sh\n")
    monkeypatch.setenv("RISKCONTROL_JAVA", str(other))
    assert java() == other
    monkeypatch.setenv("RISKCONTROL_JAVA", str(tmp_path / "none"))
    with pytest.raises(ServerError, match="RISKCONTROL_JAVA"):
        java()


def test_sparks_java_gets_every_argument_but_the_one_it_cannot_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows = program(tmp_path / "a 'b' $c" / "java", '#!/bin/sh\nfor a in "$@"; do echo "<$a>"; done\n')
    monkeypatch.setenv("RISKCONTROL_JAVA", str(shows))
    home = java_home_for_spark(tmp_path / "home")
    arguments = ["-Xmx1g", "--add-modules=jdk.incubator.vector", "a b", "", "$HOME", "--add-modules=java.se"]
    said = subprocess.run([home / "bin" / "java", *arguments], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["<-Xmx1g>", "<a b>", "<>", "<$HOME>", "<--add-modules=java.se>"]
    assert os.access(home / "bin" / "java", os.X_OK)


def test_sparks_java_follows_a_java_that_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        monkeypatch.setenv("RISKCONTROL_JAVA", str(program(tmp_path / name, f"#!/bin/sh\necho {name}\n")))
        home = java_home_for_spark(tmp_path / "home")
        assert subprocess.check_output([home / "bin" / "java"], text=True) == f"{name}\n"
