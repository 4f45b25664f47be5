"""The households' demographics as fields of the pool: declared with Chinese names, so that they are typed like any other."""

from members.attributes import services
from members.attributes.services import Choice
from members.models import AttributeField, Pool

# Column of the member file -> key of the field.
KEYS = {
    "年龄段": "age_band",
    "家庭收入": "household_income",
    "住房": "home_ownership",
    "婚姻": "marital_status",
    "家庭人数": "household_size",
    "家庭构成": "household_comp",
    "孩子数": "kids_count",
}


def _bands(values: str, unit: str, unit_en: str) -> list[Choice]:
    return [Choice(value, f"{value.replace('-', '–')} {unit}", f"{value} {unit_en}".rstrip()) for value in values.split()]


INCOMES = [
    Choice("Under 15K", "1.5 万以下", "under 15K"),
    Choice("15-24K", "1.5–2.4 万", "15–24K"),
    Choice("25-34K", "2.5–3.4 万", "25–34K"),
    Choice("35-49K", "3.5–4.9 万", "35–49K"),
    Choice("50-74K", "5–7.4 万", "50–74K"),
    Choice("75-99K", "7.5–9.9 万", "75–99K"),
    Choice("100-124K", "10–12.4 万", "100–124K"),
    Choice("125-149K", "12.5–14.9 万", "125–149K"),
    Choice("150-174K", "15–17.4 万", "150–174K"),
    Choice("175-199K", "17.5–19.9 万", "175–199K"),
    Choice("200-249K", "20–24.9 万", "200–249K"),
    Choice("250K+", "25 万以上", "250K and more"),
]
HOMES = [
    Choice("Homeowner", "自有住房", "owner"),
    Choice("Probable Homeowner", "可能自有", "probably owner"),
    Choice("Probable Renter", "可能租房", "probably renter"),
    Choice("Renter", "租房", "renter"),
]
MARRIAGES = [Choice("Married", "已婚", "married"), Choice("Unmarried", "未婚", "unmarried")]
HOUSEHOLDS = [
    Choice("1 Adult No Kids", "1 位成人，无孩子", "1 adult, no kids"),
    Choice("1 Adult Kids", "1 位成人，有孩子", "1 adult with kids"),
    Choice("2 Adults No Kids", "2 位成人，无孩子", "2 adults, no kids"),
    Choice("2 Adults Kids", "2 位成人，有孩子", "2 adults with kids"),
]
FIELDS = (
    ("age_band", "年龄段", "Age band", _bands("19-24 25-34 35-44 45-54 55-64 65+", "岁", "years"), False),
    ("household_income", "家庭收入", "Household income", INCOMES, True),
    ("home_ownership", "住房", "Home", HOMES, False),
    ("marital_status", "婚姻", "Marriage", MARRIAGES, False),
    ("household_size", "家庭人数", "Household size", _bands("1 2 3 4 5+", "人", ""), False),
    ("household_comp", "家庭构成", "Household", HOUSEHOLDS, False),
    ("kids_count", "孩子数", "Children", _bands("0 1 2 3+", "个", ""), False),
)


def declare(pool: Pool) -> None:
    """Declare what the pool lacks; what it has stays as somebody may have changed it."""
    known = set(AttributeField.objects.filter(pool=pool).values_list("key", flat=True))
    for key, label, english, choices, sensitive in FIELDS:
        if key not in known:
            facts = {"label": label, "label_en": english, "is_sensitive": sensitive}
            services.create_field(pool=pool, key=key, kind="choice", choices=choices, actor=None, **facts)
