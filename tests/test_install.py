"""Both ways of installing carry the templates and the samples: a wheel, and an editable install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path, path: str = "") -> str:
    """Run a command where the checkout cannot be imported by accident."""
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def source(repository: Path, tmp_path: Path) -> Path:
    """A copy of the checkout without what earlier builds left in it."""
    ignored = shutil.ignore_patterns(
        "build", "*.egg-info", ".git", ".venv", "__pycache__", ".*_cache"
    )
    return Path(shutil.copytree(repository, tmp_path / "source", ignore=ignored))


def demo_works(python: Path, folder: Path, path: str) -> None:
    said = run(python, "-m", "perfxl", "demo", cwd=folder, path=path)
    assert "部门（22 个）" in said
    assert "乡镇（9 个）" in said
    made = folder / "perfxl-demo"
    assert len(list((made / "下发").rglob("*.xlsx"))) == 31
    assert (made / "成果" / "综合评分表.xlsx").is_file()
    assert (made / "成果" / "通报.docx").is_file()


def test_the_wheel_runs_the_demo_outside_the_checkout(source: Path, tmp_path: Path) -> None:
    wheels, elsewhere, target = (tmp_path / name for name in ("wheels", "elsewhere", "target"))
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source, cwd=tmp_path)
    (wheel,) = wheels.glob("*.whl")
    run(*pip, "install", "--no-deps", "--target", target, wheel, cwd=tmp_path)
    demo_works(Path(sys.executable), elsewhere, str(target))


def test_an_editable_install_runs_the_demo(source: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = tmp_path / "venv" / scripts / "python"
    libraries = sysconfig.get_paths()["purelib"]
    # The libraries come from this environment; only perfxl is installed into the new one.
    kept = tmp_path / "libraries"
    shutil.copytree(
        libraries, kept, ignore=shutil.ignore_patterns("perfxl*", "__editable__*perfxl*")
    )
    run(
        python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", source,
        cwd=tmp_path, path=str(kept),
    )  # fmt: skip
    demo_works(python, elsewhere, str(kept))
    where = run(
        python, "-c", "import perfxl; print(perfxl.__file__)", cwd=elsewhere, path=str(kept)
    )
    assert Path(where.strip()).is_relative_to(source)
