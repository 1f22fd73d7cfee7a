"""What we are made of: ``python setup/parts.py sbom|licences|audit`` (make sbom, make licences, make audit)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
PYTHONS = {"advisor": ROOT / ".venv/bin/python", "dialogue": ROOT / ".venv-rasa/bin/python"}
OUT = ROOT / "var" / "sbom"


def sbom() -> int:
    """Write the parts of each environment as CycloneDX JSON."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, python in PYTHONS.items():
        file = OUT / f"{name}.cdx.json"
        options = [
            "--of",
            "JSON",
            "--output-reproducible",
            "-o",
            str(file),
            "--pyproject",
            str(ROOT / "pyproject.toml"),
        ]
        subprocess.run([TOOLS / "cyclonedx-py", "environment", *options, python], check=True)  # noqa: S603
        print(f"{file.relative_to(ROOT)}: {len(json.loads(file.read_text())['components'])} parts")
    return 0


def licences() -> int:
    """Write the licence of every part of each environment."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, python in PYTHONS.items():
        file = OUT / f"{name}-licences.md"
        options = ["--format=markdown", "--from=mixed", "--with-urls", f"--output-file={file}"]
        subprocess.run([TOOLS / "pip-licenses", f"--python={python}", *options], check=True)  # noqa: S603
    return 0


def audit() -> int:
    """Ask the database of known holes about every locked part; what could not be asked is never called clean."""
    worst = 0
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        command = [TOOLS / "pip-audit", "-r", lock, "--require-hashes", "--disable-pip", "--format=json"]
        done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
        worst = max(worst, told(lock.name, done.stdout, done.stderr))
    return worst


def told(lock: str, found: str, errors: str) -> int:
    """Print what an audit found; return 0 where all is well, 1 for holes, 2 where it is not known."""
    try:
        parts = json.loads(found)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = errors.strip().splitlines()[-1:] or ["no answer"]
        print(f"{lock}: NOT AUDITED: the vulnerability database could not be reached ({last[0][:200]})")
        return 2
    holes = [(part, hole) for part in parts for hole in part.get("vulns", [])]
    unknown = [part["name"] for part in parts if "skip_reason" in part]
    for part, hole in holes:
        print(
            f"{lock}: {part['name']} {part['version']}: {hole['id']}, mended in {hole['fix_versions'] or 'no version'}"
        )
    if unknown:
        print(
            f"{lock}: {len(unknown)} of {len(parts)} parts NOT AUDITED: the vulnerability database could not be "
            f"reached or does not know them ({', '.join(unknown[:5])} …). Run this again with a way to it."
        )
    if not holes and not unknown:
        print(f"{lock}: {len(parts)} parts, no hole is known")
    return 1 if holes else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit({"sbom": sbom, "licences": licences, "audit": audit}[sys.argv[1]]())
