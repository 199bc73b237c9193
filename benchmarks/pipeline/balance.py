"""How level the hems of saved drapes are: python benchmarks/pipeline/balance.py FOLDER [FOLDER ...]

Each FOLDER holds a saved drape (garment.npz, drape.npz ...), or sub-folders that do, as drape_table.py leaves them.
Prints one JSON line: the hem's height at the centre front, the sides and the centre back [cm], and front less back.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine.core.outfit import main_fabric
from engine.export.fit_report import fit_report
from engine.export.hem_level import LEVEL_WITHIN
from engine.look import load_look


def row(folder: Path) -> dict | None:
    """The hem of one look's garment; None where it has no one hem."""
    look = load_look(folder)
    hem = fit_report(look.garment, look.drape, look.body, main_fabric(look.garment)).hem
    if hem is None:
        return None
    heights = {name: round(100 * getattr(hem, name), 1) for name in ("front", "side", "back")}
    return {"look": folder.name, **heights, "front_over_back": round(100 * (hem.front - hem.back), 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    rows = [r for d in sorted({p.parent for f in args.folders for p in f.rglob("drape.npz")}) if (r := row(d))]
    off = [abs(r["front_over_back"]) for r in rows]
    result = {"benchmark": "balance", "looks": len(rows), "level": sum(d <= 100 * LEVEL_WITHIN for d in off)}
    print(json.dumps({**result, "worst_cm": max(off, default=None), "rows": rows}))


if __name__ == "__main__":
    main()
