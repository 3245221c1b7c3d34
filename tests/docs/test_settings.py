"""``docs/settings.md`` lists every setting with its default and meaning."""

from tests.docs.settings_table import PAGE, page_with_table


def test_the_page_lists_every_setting_as_it_is() -> None:
    page = PAGE.read_text("utf-8")
    assert page == page_with_table(page), "write it with: python -m tests.docs.settings_table"
