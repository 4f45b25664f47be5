import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchpoints.fields import FIELDS
from touchpoints.placeholders import Invalid, compile_plain, parse
from touchpoints.rendering import compile_content

ROW = {
    "member_id": 7, "step_id": 3, "name": "", "city": "<b>上海</b>", "province": "", "order_count": 6, "amount_total": 128050,
    "first_order_at": None, "last_order_at": None, "pool_name": "池", "variables": {"coupon.code": "X"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('您好{{ member.name | default:"您" }}！', "您好您！"),
        ("{{order.total}} / {{order.count}}", "1,280.50 / 6"),
        ("{{member.city|first:3|upper}}", "<B>"),
        ("{{member.city|truncate:4}}", "<b>…"),
        ("{{coupon.code}}{{order.last_date|default:'–'}}", "X–"),
        ("no holes", "no holes"),
    ],
)
def test_what_a_template_says(source, text):
    assert compile_plain(source).render(ROW) == text


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("Hi {{member.nam}}", 1, 6),
        ("a\nb {{member.name|shout}}", 2, 17),
        ("{{member.name|default}}", 1, 15),
        ("{{member.name|truncate:'x'}}", 1, 15),
        ("{{member.name|upper:1}}", 1, 15),
        ("{{}}", 1, 3),
        ("x {{member.name", 1, 3),
        ("x }}", 1, 3),
        ("{{member.name.__class__}}", 1, 3),
        ("{{member.name()}}", 1, 14),
    ],
)
def test_a_mistake_is_refused_with_its_place(source, line, column):
    with pytest.raises(Invalid) as found:
        parse(source)
    assert (found.value.line, found.value.column) == (line, column)


def test_html_is_escaped_and_plain_text_is_not():
    ready = compile_content(subject="{{member.city}}", body="{{member.city}} & <i>", link="", pool_name="A&B", marketing=True)
    row = dict(ROW)
    ready.prepare(row)
    assert "<b>上海</b> & <i>" in ready.text.render(row)
    html = ready.html.render(row)
    assert "&lt;b&gt;上海&lt;/b&gt; &amp; &lt;i&gt;" in html
    assert "A&amp;B" in html
    assert "<i>" not in html


def test_links_lead_through_our_tokens_and_targets_come_from_the_content():
    body = "[a]({{campaign.link}}) https://x.example/?q=1&r=2 [b](https://x.example/?q=1&r=2) [c](javascript:alert(1))"
    ready = compile_content(subject="s", body=body, link="https://main.example/", pool_name="p", marketing=False)
    assert ready.targets == ["https://main.example/", "https://x.example/?q=1&r=2"]
    row = dict(ROW)
    ready.prepare(row)
    html = ready.html.render(row)
    assert html.count("/t/c/") == 3
    assert 'href="javascript' not in html
    assert "/t/u/" not in html
    assert 'href="https://' not in html


def test_a_link_placeholder_needs_a_link():
    with pytest.raises(Invalid):
        compile_content(subject="s", body="{{campaign.link}}", link="", pool_name="p", marketing=True)


alphabet = st.text(st.sampled_from("{}|:\"'. _<>&%$\n\\" + string.ascii_lowercase[:6] + "0会"), max_size=60)
pieces = st.lists(
    st.one_of(
        alphabet, st.sampled_from([f"{{{{{key}}}}}" for key in FIELDS] + ["{{", "}}", "{{member.name|", '|default:"', "|first:3"])
    ),
    max_size=8,
)


@given(pieces)
def test_whatever_is_written_either_fails_with_a_place_or_says_only_fields(parts):
    source = "".join(parts)
    try:
        ready = compile_content(subject="", body=source, link="https://x.example/", pool_name="p", marketing=True)
    except Invalid as error:
        found = error
    else:
        found = None
    if found:
        assert 1 <= found.line <= source.count("\n") + 1
        assert found.column >= 1
        return
    row = {**ROW, "zone": None, "now": None}
    ready.prepare(row)
    html = ready.html.render(row)
    assert "\ue000" not in html
    assert "{{" not in ready.text.render(row)
