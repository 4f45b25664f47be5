"""Every template can be made into a campaign in both languages: its rules parse, its texts compile."""

from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from campaigns import gallery, services
from campaigns.gallery import Template, templates
from members.models import Pool
from scrm.lib.gallery import load
from segmentation import evaluate
from segmentation.rules.parse import parse
from touchpoints.rendering import compile_content

NEEDED = {"winback", "welcome", "second_purchase", "birthday", "member_day", "points_reminder"}


def test_the_gallery_has_what_was_asked_for() -> None:
    assert set(templates()) >= NEEDED
    assert len(templates()["winback"].layers) == 2


@pytest.mark.parametrize("key", sorted(templates()))
class TestTemplate:
    def test_its_rules_select_members_of_a_pool(self, key: str, pool: Pool, as_of: Any) -> None:
        made = templates()[key]
        for rule in [made.audience.rule, *(layer.rule for layer in made.layers if layer.rule)]:
            parse(rule)
            assert evaluate.count(pool, rule, as_of).size == 0

    def test_its_texts_compile_in_both_languages(self, key: str) -> None:
        for layer in templates()[key].layers:
            for subject, body in ((layer.subject.zh, layer.body.zh), (layer.subject.en, layer.body.en)):
                ready = compile_content(subject=subject, body=body, link="https://a.example/", pool_name="x", marketing=True)
                assert "campaign.link" in ready.fields

    def test_its_icon_exists_and_somebody_is_left_for_the_last_layer(self, key: str) -> None:
        made = templates()[key]
        assert (settings.NPM_DIR / f"@tabler/icons/icons/outline/{made.icon}.svg").exists()
        assert made.layers[-1].rule is None
        assert all(layer.rule is not None for layer in made.layers[:-1])

    def test_it_becomes_a_draft_in_the_readers_language(self, key: str, pool: Pool) -> None:
        with translation.override("en"):
            made = services.create(pool=pool, actor=None, template=templates()[key])
        assert made.name == templates()[key].title.en
        assert [layer.name for layer in made.layers.all()] == [layer.name.en for layer in templates()[key].layers]


def test_a_file_with_a_mistake_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text((gallery.FOLDER / "winback.yaml").read_text().replace("goal_days: 14", "goal_days: 0"))
    with pytest.raises(ValueError):
        load(path, Template)
    path.write_text((gallery.FOLDER / "winback.yaml").read_text())
    with pytest.raises(ValueError, match="winback"):
        load(path, Template)
    assert isinstance(templates()["winback"], Template)
