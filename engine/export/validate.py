"""Checks GLB files with the Khronos glTF validator, where Node.js and the npm package are installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from engine.core.errors import InputError, JobError

__all__ = ["validate_glb", "validator_missing"]

WEB = Path(__file__).resolve().parents[2] / "web"
SEVERITIES = ("errors", "warnings", "infos", "hints")


def validator_missing() -> str:
    """Why the validator cannot run here; '' if it can."""
    if shutil.which("node") is None:
        return "Node.js is not installed: apt install nodejs"
    if not (WEB / "node_modules" / "gltf-validator").is_dir():
        return "the glTF validator is not installed: npm ci --prefix web"
    return ""


def validate_glb(path: str | Path) -> dict[str, Any]:
    """The validator's verdict on a file.

    Returns:
        ``errors``, ``warnings``, ``infos``, ``hints``: counts; ``messages``: one line each; ``skipped``: why nothing
        was checked, '' if it was. Counts are absent when skipped.
    """
    p = Path(path).resolve()
    if not p.is_file():
        raise InputError("file.missing", f"{path}: no such GLB file", "check the path")
    missing = validator_missing()
    if missing:
        return {"skipped": missing, "messages": []}
    run = subprocess.run(
        ["node", str(WEB / "validate.mjs"), str(p)], capture_output=True, text=True, timeout=120, check=False
    )
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise JobError("validator.failed", f"{path}: the glTF validator failed: {reason}", "run: npm ci --prefix web")
    issues = json.loads(run.stdout)
    return {
        "skipped": "",
        **{name: int(issues[f"num{name.capitalize()}"]) for name in SEVERITIES},
        "messages": [
            f"{SEVERITIES[m['severity']][:-1]} {m['code']} {m.get('pointer', '')}: {m['message']}"
            for m in issues["messages"]
        ],
    }
