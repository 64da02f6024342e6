"""The tutorial, as a reader follows it: its files are saved, its commands run, its outputs compared."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from landbridge.sync import load_company
from tests.docs.pages import ROOT, Block, blocks

PAGE = ROOT / "docs" / "tutorial" / "first-connector.md"
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")


@dataclass(frozen=True)
class Step:
    """A command and what the page says it prints."""

    command: str
    says: tuple[str, ...]


def steps(block: Block) -> list[Step]:
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [Step(command, tuple(says)) for command, says in found]


def matches(printed: str, says: tuple[str, ...]) -> bool:
    """Blanks count as one; … stands for anything, alone on its line also for whole lines."""
    lines, told = ([" ".join(line.split()) for line in some] for some in (printed.splitlines(), says))
    pattern = [r"(.*\n)*?" if line == "…" else f"{re.escape(line).replace('…', '.*')}\n" for line in told if line]
    return re.fullmatch("".join(pattern), "".join(f"{line}\n" for line in lines if line)) is not None


class Reader:
    """A shell in an empty folder, with an environment of its own over the one that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ideas"
        self.folder.mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder / "venv")}))
        (site / "base.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        script = folder / "venv" / "bin" / "landbridge"
        script.write_text(f"#!{folder}/venv/bin/python\nfrom landbridge.cli import main\nmain()\n")
        script.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANDBRIDGE", "AIRFLOW"))}
        path = f"{folder}/venv/bin:{Path(UV or '').parent}:{os.environ['PATH']}"
        settings = {"VIRTUAL_ENV": str(folder / "venv"), "UV_OFFLINE": "1", "PATH": path, "COLUMNS": "140"}
        self.shell = subprocess.Popen(
            ["bash", "--norc"], cwd=self.folder, env=kept | settings, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, command: str) -> tuple[int, str]:
        """(exit code, what it printed)."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f'{command}\necho "<<$?>>"\n')
        self.shell.stdin.flush()
        printed: list[str] = []
        for line in self.shell.stdout:
            if found := re.fullmatch(r"<<(\d+)>>\n", line):
                return int(found[1]), "".join(printed)
            printed.append(line)
        raise AssertionError(f"The shell ended in: {command}")

    def save(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def close(self) -> None:
        self.run("kill %1 %2 2>/dev/null")
        assert self.shell.stdin is not None
        self.shell.communicate(timeout=10)


def free_ports() -> dict[str, str]:
    """The page's ports, and others that nobody uses now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    found = {page: str(probe.getsockname()[1]) for page, probe in zip(("8801", "8802"), probes, strict=True)}
    for probe in probes:
        probe.close()
    return found


def replaced(text: str, ports: dict[str, str]) -> str:
    return re.sub("8801|8802", lambda found: ports[found[0]], text)


def wait_for_boards(ports: dict[str, str]) -> None:
    for port in ports.values():
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            subprocess.run(["sleep", "0.1"], check=True)


@pytest.mark.skipif(not UV, reason="needs uv, which `make setup` installs")
def test_every_step_does_what_the_page_says(tmp_path: Path) -> None:
    reader, ports = Reader(tmp_path), free_ports()
    try:
        for block in blocks(PAGE):
            if block.name:
                reader.save(block.name, replaced(block.text, ports))
            elif block.language == "console":
                for step in steps(block):
                    code, printed = reader.run(replaced(step.command, ports))
                    waits = any("waits for a person" in line for line in step.says)  # then the code says so, too
                    assert code == waits, f"{PAGE.name}:{block.line}: {step.command}\n{printed}"
                    assert matches(printed, step.says), f"{PAGE.name}:{block.line}: {step.command}\n{printed}"
                    if step.command.endswith("8802 &"):
                        wait_for_boards(ports)
    finally:
        reader.close()


def test_the_flow_that_comes_next_loads_beside_the_companys_own(tmp_path: Path) -> None:
    """The connector's own files, the repository's mappings, and a chat."""
    last = [block for block in blocks(PAGE) if block.language == "yaml" and not block.name]
    for block in blocks(PAGE):
        if block.name.startswith("mappings/"):
            (tmp_path / block.name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.name).write_text(block.text)
    if not (ROOT / "mappings" / "matrix").exists():
        pytest.skip("mappings/matrix is missing")
    shutil.copytree(ROOT / "mappings" / "matrix", tmp_path / "mappings" / "matrix")
    (tmp_path / "config" / "flows").mkdir(parents=True)
    systems = next(block for block in blocks(PAGE) if block.name == "config/systems.yaml")
    (tmp_path / "config" / "systems.yaml").write_text(f"{systems.text}  chat:\n    connector: matrix\n")
    (tmp_path / "config" / "flows" / "next.yaml").write_text(last[0].text)
    assert load_company(tmp_path).flow("ideas-in-chat").targets[-1] == "berlin/comments"
