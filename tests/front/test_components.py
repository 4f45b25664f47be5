"""Every component renders, and what comes from data is never markup."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.template import engines
from django.test import RequestFactory
from django.utils.translation import override
from django_cotton.compiler_regex import CottonCompiler

EVIL = "<script>alert(1)</script>\"'"
USES = {
    "alert": '<c-alert tone="amber" :title="evil" :text="evil" />',
    "bars": '<c-bars :rows="bars" />',
    "bulk": '<c-bulk total="2469"><button>x</button></c-bulk>',
    "card": '<c-card :title="evil" :hint="evil">{{ evil }}<c-slot name="foot">{{ evil }}</c-slot></c-card>',
    "chart": '<c-chart name="rfm" :title="evil" :note="evil" query="campaign=7" />',
    "chips": '<c-chips :chips="chips" />',
    "code": '<c-code id="c" :text="evil" />',
    "copy": '<c-copy :text="evil" />',
    "date_range": '<c-date-range days="30" />',
    "dialog": '<c-dialog id="d" :title="evil">{{ evil }}<c-slot name="foot">x</c-slot></c-dialog>',
    "diff": '<c-diff :rows="changes" />',
    "drop": '<c-drop :text="evil" />',
    "empty": '<c-empty :title="evil" :text="evil">x</c-empty>',
    "event": '<c-event icon="mail" :title="evil" :text="evil" at="14:03" />',
    "facts": '<c-facts :rows="facts" />',
    "field": '<c-field :field="form.username" :help="evil" /><c-field label="{{ evil }}" id="n"><input id="n"></c-field>',
    "fields": '<c-fields :form="form" />',
    "filter_menu": '<c-filter-menu name="stage" :label="evil" :options="options" sift="1" />',
    "filters": '<c-filters><c-slot name="tools">x</c-slot></c-filters>',
    "find": '<c-find :label="evil" />',
    "help": '<c-help id="h" :text="evil" />',
    "json": '<c-json id="j" :data="data" />',
    "menu": '<c-menu id="m" text="{{ evil }}"><a href="#">x</a></c-menu>',
    "page": '<c-page :title="evil" :sub="evil"><c-slot name="actions">x</c-slot></c-page>',
    "pager": '<c-pager :next="evil" previous="b" count="2469" shown="50" />',
    "person": '<c-person :name="evil" :sub="evil" /><c-person name="{{ evil }}" />',
    "pill": '<c-pill tone="green" icon="check" live="1" :title="evil">{{ evil }}</c-pill>',
    "progress": '<c-progress :title="evil" :done="3" :total="10" :rate="2" :left="70" />',
    "segmented": '<c-segmented :label="evil" name="m" :options="options2" value="a" />',
    "stat": '<c-stat :label="evil" icon="users" :value="evil" :delta="0.034" :spark="numbers" :note="evil" id="s" />',
    "steps": '<c-steps :steps="steps" current="2" />',
    "tab": '<c-tab href="#" name="a" active="a" count="12">{{ evil }}</c-tab>',
    "table": '<c-table :label="evil"><c-slot name="head"><c-th>x</c-th></c-slot><tr><td>{{ evil }}</td></tr></c-table>',
    "tabs": '<c-tabs :label="evil">x</c-tabs>',
    "th": '<c-th sort="name" num="1">x</c-th><c-th pick="1" />',
    "timeline": '<c-timeline :day="evil">x</c-timeline>',
}


def _render(source: str) -> str:
    request = RequestFactory().get("/", {"q": EVIL, "stage": EVIL, "sort": "-name"})
    context: dict[str, Any] = {
        "evil": EVIL,
        "bars": [(EVIL, 0.6, EVIL)],
        "chips": [("stage", EVIL, EVIL)],
        "changes": [(EVIL, EVIL, "b"), ("same", EVIL, EVIL)],
        "facts": [(EVIL, EVIL), ("n", None)],
        "options": [(EVIL, EVIL, 3)],
        "options2": [("a", EVIL)],
        "data": {EVIL: [EVIL]},
        "numbers": [1, 2, 3],
        "steps": [(EVIL, "/1"), "b"],
        "form": AuthenticationForm(request),
    }
    engine = engines["django"]
    return str(engine.from_string(CottonCompiler().process(source)).render(context, request))


def test_every_component_is_tried_here() -> None:
    files = {path.stem for path in (Path(settings.BASE_DIR) / "templates/cotton").glob("*.html")}
    assert set(USES) <= files
    used_in_pages = "".join(path.read_text() for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"))
    for name in files - set(USES):
        assert f"<c-{name.replace('_', '-')}" in used_in_pages, f"{name} is neither tried nor used"


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_component_renders_and_escapes(name: str, language: str) -> None:
    with override(language):
        html = _render(USES[name])
    assert "<script>alert" not in html
    assert not re.search(r'="[^"]*<script', html)
    assert "{%" not in html
    assert "<c-" not in html


def test_a_chart_carries_the_pages_filters_and_its_own() -> None:
    html = _render('<c-chart name="rfm" title="x" query="campaign=7" id="second" />')
    assert 'id="chart-second"' in html
    assert re.search(r'src="/charts/rfm.json\?[^"]*campaign=7', html)
    assert "sort=-name" in html


def test_the_current_filter_is_ticked_and_counted() -> None:
    request = RequestFactory().get("/?stage=active&stage=lost")
    source = '<c-filter-menu name="stage" label="阶段" :options="options" />'
    engine = engines["django"]
    html = str(
        engine.from_string(CottonCompiler().process(source)).render(
            {"options": [("active", "活跃"), ("silent", "沉默")]}, request
        )
    )
    assert html.count("checked") == 1
    assert "<em>1</em>" in html
