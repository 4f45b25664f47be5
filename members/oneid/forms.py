"""Forms of the guard, the search for duplicates and the pool's rules."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.identities import ATTACH, KINDS
from members.models import Channel, Identity, Pool
from members.oneid import precedence, rules
from members.oneid.duplicates import SIGNALS


class BlockForm(forms.Form):
    """Values that join nobody, one a line."""

    kind = forms.ChoiceField(label=gettext_lazy("类型"), choices=Identity.Kind.choices)
    values = forms.CharField(
        label=gettext_lazy("内容"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("一行一个，最多 1000 行"),
        max_length=120_000,
    )
    note = forms.CharField(label=gettext_lazy("说明"), max_length=200, required=False)

    def clean_values(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["values"].splitlines() if line.strip()]
        if len(lines) > 1000:
            raise forms.ValidationError(_("一次最多 1000 行"))
        return lines


class SearchForm(forms.Form):
    signals = forms.MultipleChoiceField(
        label=gettext_lazy("查重依据"), choices=list(SIGNALS.items()), widget=forms.CheckboxSelectMultiple, initial=list(SIGNALS)
    )


class RulesForm(forms.Form):
    """Every rule of the pool: per kind, per field, per channel."""

    mail_names = forms.CharField(
        label=gettext_lazy("不代表任何人的邮箱名"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("@ 前面的部分，用逗号隔开，如 kefu, shop；noreply、test 等已内置"),
    )

    def __init__(self, *args: Any, pool: Pool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = rules.of(pool)
        self.fields["mail_names"].initial = ", ".join(own.mail_names)
        for kind, each in KINDS.items():
            self._kind(own, kind, each.strong)
        self._sources(own)
        self.channels = list(Channel.objects.all())
        for channel in self.channels:
            for kind in ("openid", "card_no"):
                self.fields[f"scope:{kind}:{channel.code}"] = forms.RegexField(
                    r"^[\w.\-]*$",
                    required=False,
                    max_length=40,
                    label=f"{channel} {KINDS[kind].label}",
                    initial=own.scope(kind, channel.code),
                )

    def _kind(self, own: rules.Rules, kind: str, strong: bool) -> None:
        label = KINDS[kind].label
        choices = [(key, text) for key, text in rules.JOINS.items() if strong or key == ATTACH]
        self.fields[f"joins:{kind}"] = forms.ChoiceField(choices=choices, initial=own.joins[kind], label=f"{label} {_('认出后')}")
        for name, text, values in (
            ("limit", _("共用上限"), own.limits),
            ("most", _("每人最多"), own.most),
            ("rank", _("优先级"), own.ranks),
        ):
            self.fields[f"{name}:{kind}"] = forms.IntegerField(
                min_value=0 if name != "rank" else 1, max_value=rules.MOST_LIMIT, initial=values[kind], label=f"{label} {text}"
            )

    def _sources(self, own: rules.Rules) -> None:
        labels = {
            "name": _("姓名"), "gender": _("性别"), "birthday": _("生日"),
            "province": _("省份"), "city": _("城市"), "attributes": _("其他资料"),
        }  # fmt: skip
        codes = [(code, name) for code, name in precedence.sources()]
        for field in rules.FIELDS:
            rule, order = precedence.order_of(own, field)
            self.fields[f"rule:{field}"] = forms.ChoiceField(
                choices=[(rules.TRUSTED, _("按信任顺序")), (rules.NEWEST, _("以最新为准"))], initial=rule, label=labels[field]
            )
            for place in range(1, 5):
                self.fields[f"order:{field}:{place}"] = forms.ChoiceField(
                    choices=[("", "–"), *codes], required=False, initial=order[place - 1] if place <= len(order) else "",
                    label=f"{labels[field]} {place}",
                )  # fmt: skip

    # What the page lays out as tables.
    def kinds(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(each, [self[f"{name}:{kind}"] for name in ("joins", "rank", "limit", "most")]) for kind, each in KINDS.items()]

    def trust(self) -> list[tuple[forms.BoundField, list[forms.BoundField]]]:
        return [(self[f"rule:{field}"], [self[f"order:{field}:{place}"] for place in range(1, 5)]) for field in rules.FIELDS]

    def scopes(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(channel, [self[f"scope:{kind}:{channel.code}"] for kind in ("openid", "card_no")]) for channel in self.channels]

    def changes(self) -> dict[str, Any]:
        """What was filled in, as `services.save_rules` takes it; what is as the product has it is left out."""
        said = self.cleaned_data
        kinds = {
            kind: {
                name: said[f"{name}:{kind}"]
                for name, usual in (("joins", each.joins), ("limit", each.limit), ("most", 0), ("rank", each.rank))
                if said[f"{name}:{kind}"] != usual
            }
            for kind, each in KINDS.items()
        }
        trust = {}
        for field in rules.FIELDS:
            order = list(dict.fromkeys(code for place in range(1, 5) if (code := said[f"order:{field}:{place}"])))
            trust[field] = {"rule": said[f"rule:{field}"], "order": order}
        return {
            "kinds": {kind: own for kind, own in kinds.items() if own},
            "mail_names": [name.strip().lower() for name in said["mail_names"].replace("，", ",").split(",") if name.strip()],
            "scopes": {key.removeprefix("scope:"): value for key, value in said.items() if key.startswith("scope:") and value},
            "precedence": {field: own for field, own in trust.items() if own != {"rule": rules.TRUSTED, "order": [rules.STAFF]}},
        }
