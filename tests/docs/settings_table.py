"""The table of ``docs/settings.md``, made from the settings. ``python -m tests.docs.settings_table`` writes it."""

from __future__ import annotations

from pathlib import Path

from regrow.gateway._settings._catalogue import catalogue
from regrow.gateway._settings._reading import shown, wanted

__all__ = ["PAGE", "page_with_table", "table"]

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

_BEGIN, _END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def table() -> str:
    """One row for each setting."""
    rows = ["| setting | default | value | meaning |", "| --- | --- | --- | --- |"]
    for setting in catalogue().values():
        meaning = setting.meaning.replace("``", "`").replace("|", "\\|")
        default = f"`{shown(setting.default)}`" if shown(setting.default) else "none"
        rows.append(f"| `{setting.name}` | {default} | {wanted(setting.kind)} | {meaning} |")
    return "\n".join((*rows, ""))


def page_with_table(page: str) -> str:
    """The page with its table as it must be."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), "utf-8")
