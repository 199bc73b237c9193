"""The command line: `toile <command>`; every command reaches the same main path (engine.pipeline)."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from engine import (
    __version__,
    finish,
    garments_commands,
    motion_commands,
    photo_commands,
    recsys_commands,
    refine_commands,
    render_commands,
)
from engine.core.errors import InputError, ToileError

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError("cli.usage", message, f"see {self.prog} --help")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="out", help="folder for the results (default: out)")
    parser.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
    parser.add_argument("--config", help="YAML file with quality, device, threads, seed, turntable, cache, harmonise")
    parser.add_argument("--quality", help="draft, standard or fine")
    parser.add_argument("--device", help="cpu, gpu, cuda, vulkan or metal")
    parser.add_argument("--threads", type=int, help="CPU threads, 0 for as many as are of use")
    parser.add_argument("--seed", type=int, help="seed of everything random")
    parser.add_argument("--no-cache", action="store_true", help="compute everything anew")
    parser.add_argument("--no-turntable", action="store_true", help="skip turntable.webp")
    parser.add_argument("--no-harmonise", action="store_true",
                        help="leave the light on clothes in photo_tryon.png as drawn, not refined by a network")


def _photos(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--front", help="photo from the front (JPEG or PNG)")
    parser.add_argument("--side", help="photo from the side")
    parser.add_argument("--height", type=float, required=required, help="body height in cm, without shoes")
    parser.add_argument("--weight", type=float, help="body weight in kg")
    parser.add_argument("--sex", default="neutral", help="female, male or neutral (default)")


def _garment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--garment",
        required=True,
        action="append",
        help="library name (see toile garments) or a pattern file; several for an outfit, from the body outwards",
    )
    parser.add_argument(
        "--fabric",
        action="append",
        help="library name (see toile fabrics) or a fabric file, one for each garment in the same order; "
        "default: the garment's own",
    )
    parser.add_argument(
        "--option",
        action="append",
        metavar="[GARMENT.]NAME=VALUE",
        help="option of the last --garment, or of the one named, lengths in cm (see toile garments NAME); repeatable",
    )


def _body(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--body", help="body.npz, or the folder of an earlier run that has one")
    parser.add_argument("--measurements", help="YAML file of body measurements in cm")


def _parser() -> tuple[argparse.ArgumentParser, set[str]]:
    """The command line, and the names of its commands."""
    parser = _Parser(prog="toile", description="3D avatars from photos, garments from patterns, draped and measured.")
    parser.add_argument("--version", action="version", version=f"toile {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    p = add("try-on", "the whole path: photos (or measurements) to a dressed person, pictures, GLB and fit report")
    _photos(p, False)
    _garment(p)
    finish.add_arguments(p)
    _body(p)
    _common(p)
    p = add("fit", "fit a body to one or two photos")
    _photos(p, True)
    _common(p)
    p = add("avatar", "make a body from typed measurements")
    p.add_argument("--measurements", help="YAML file of body measurements in cm, e.g. 'stature: 172'")
    p.add_argument("--model-file", action="store_true", help="print the path of the open body's model file")
    _common(p)
    p = add("measure", "print the measurements of a saved body")
    _body(p)
    _common(p)
    p = add("drape", "drape a garment on a saved body")
    _body(p)
    _garment(p)
    p.add_argument(
        "--from", dest="start", metavar="FOLDER",
        help="start from the drape saved there, of the same garments in other fabrics or on a body a little different",
    )
    p.add_argument(
        "--watch", action="store_true",
        help="drape again, in half the time, whenever the pattern, fabric, body or settings file is saved; Ctrl-C ends "
        "it; with --json one line for each drape",
    )
    _common(p)
    p = add("batch", "drape or try on every row of a table, several at once")
    p.add_argument("table", help="CSV file: name, garment and other flags' names as columns; ';' between several")
    p.add_argument("--stage", choices=("drape", "try-on"), default="try-on", help="what to do (default: try-on)")
    p.add_argument("--workers", type=int, default=0, help="processes at once (default: one for each processor)")
    _common(p)
    p = add("render", "take the pictures of a saved drape again, or one, a turntable, a close-up, layers")
    render_commands.add_arguments(p)
    _common(p)
    p = add("export", "write look.glb and the fit report of a saved drape again")
    p.add_argument("folder", nargs="?", help="folder with the saved drape (default: --out)")
    finish.add_arguments(p)
    _common(p)
    motion_commands.add_arguments(add("animate", "move a saved look: animation.glb and animation.webp"))
    p = add("view", "show a GLB, or a saved drape in the studio's light, in the browser, from a local page")
    p.add_argument(
        "file", help="a .glb file, or the folder of a saved drape: drawn on this machine as you turn it, with no need "
        "of a graphics card, and anew whenever it is draped again (toile drape --watch)",
    )
    p.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    p.add_argument("--no-browser", action="store_true", help="do not open a browser")
    for name, text in (("garments", "list the garments of the library"), ("fabrics", "list the fabrics")):
        p = add(name, text)
        p.add_argument("--json", action="store_true", help="print one JSON line")
        if name == "garments":
            p.add_argument("name", nargs="?", help="one garment, with its options")
            of_garments = p
    garments_commands.add_parsers(commands)
    photo_commands.add_parsers(commands)
    longer = [name.split()[1] for name in commands.choices if name.startswith("garments ")]
    of_garments.epilog = f"more commands, each with its own --help: toile garments {' | '.join(longer)}"
    recsys_commands.add_parser(commands)
    refine_commands.add_parser(commands)
    add("warm", "compile the simulation kernels now, so that the first drape does not wait for them")
    return parser, set(commands.choices)


def execute(argv: list[str], emit: Callable[[str], None]) -> tuple[Any, int]:
    """Runs one command; returns its value for --json and its exit code. ToileError if it cannot be done."""
    parser, names = _parser()
    two = " ".join(argv[:2])  # `photo light` and its like: one word, the name of their parser
    args = parser.parse_args([two, *argv[2:]] if two in names else argv)
    if args.command in ("recsys", "recommend"):
        return recsys_commands.run(args, emit)
    if args.command == "refine":
        return refine_commands.run(args, emit)
    if args.command == "render":
        return render_commands.run(args, emit)
    if args.command == "animate":
        return motion_commands.run(args, emit)
    if args.command.startswith("photo ") or args.command == "garments from-photo":
        return photo_commands.run(args, emit)
    if args.command.startswith("garments "):
        return garments_commands.run(args, emit)
    if args.command == "batch":
        from engine.batch import batch

        return batch(args, emit)
    from engine import commands

    return commands.COMMANDS[args.command](args, emit)


def main(argv: list[str] | None = None) -> int:
    """Runs one command. Returns 0 done, 1 the work failed, 2 the input is wrong."""
    argv = sys.argv[1:] if argv is None else argv
    # modules and kernels are loaded as hundreds of thousands of objects that stay: no use in going through them often
    gc.set_threshold(200_000, 20, 20)
    wants_json = "--json" in argv
    from engine.runtime import only_json_on_stdout

    with only_json_on_stdout(wants_json) as emit:
        try:
            value, code = execute(argv, emit)
        except ToileError as error:
            return _fail(error, emit if wants_json else None)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130
        if wants_json:
            emit(json.dumps(value, allow_nan=False))
        return code


def _fail(error: ToileError, emit: Any) -> int:
    message = " ".join(error.message.split())
    hint = f" Hint: {error.hint}." if error.hint else ""
    print(f"toile: {message}.{hint}", file=sys.stderr)
    if emit is not None:
        emit(json.dumps({"status": "error", "code": error.code, "message": error.message, "hint": error.hint}))
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
