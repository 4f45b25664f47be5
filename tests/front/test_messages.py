"""Every string has its English, with the same placeholders."""

from babel.messages.catalog import Catalog
from django.core.management import call_command

from scrm.management.commands import messages


def test_every_string_has_its_english() -> None:
    call_command("messages", check=True)


def test_strings_of_templates_components_and_code_are_found() -> None:
    found = messages.source()
    assert found.get("跳到正文")  # a template
    assert found.get("以表格查看")  # a component
    assert found.get("导入中心")  # code
    assert found.get("%(n)s 天前")  # marked with N_


def test_missing_and_wrong_english_is_named() -> None:
    catalog = Catalog("en")
    catalog.add("会员")
    catalog.add("共 %(n)s 条", "%(count)s in all", flags=["python-format"])
    catalog.add("分群", "Segment 分群")
    catalog.add("、", "、")
    catalog.add("%(n)s 位", "%(n)s", flags=["fuzzy"])
    assert messages.missing(catalog) == ["会员", "%(n)s 位"]
    assert messages.broken(catalog) == ["共 %(n)s 条 (placeholders)", "分群 (Chinese left)", "、 (Chinese left)"]
    assert messages.fill(catalog, {"会员": "Members", "分群": "Other"}) == 1
    assert messages.missing(catalog) == ["%(n)s 位"]
