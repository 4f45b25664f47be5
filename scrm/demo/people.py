"""Made-up names and addresses for real households: the same ones each time, and marked as demo."""

import random
from dataclasses import dataclass

SEED = 20171231
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
GIVEN_F = [
    "婷",
    "静怡",
    "诗雅",
    "欣怡",
    "雨涵",
    "梓萱",
    "丽华",
    "海燕",
    "晓彤",
    "思琪",
    "佳慧",
    "梦洁",
    "雅琴",
    "秀英",
    "玉兰",
    "若曦",
    "可馨",
    "淑贞",
    "文静",
    "佩珊",
]
GIVEN_M = [
    "浩然",
    "子轩",
    "建国",
    "志强",
    "宇航",
    "俊杰",
    "文博",
    "思远",
    "明哲",
    "天佑",
    "嘉豪",
    "泽宇",
    "国栋",
    "立新",
    "伟",
    "磊",
    "鹏飞",
    "永康",
    "海峰",
    "承恩",
]
PLACES = [
    ("上海", "上海", 16),
    ("北京", "北京", 14),
    ("广东", "广州", 10),
    ("广东", "深圳", 10),
    ("浙江", "杭州", 9),
    ("江苏", "南京", 6),
    ("江苏", "苏州", 7),
    ("四川", "成都", 8),
    ("湖北", "武汉", 6),
    ("陕西", "西安", 5),
    ("湖南", "长沙", 5),
    ("重庆", "重庆", 6),
    ("山东", "青岛", 4),
    ("福建", "厦门", 4),
    ("天津", "天津", 4),
    ("河南", "郑州", 4),
]


@dataclass(frozen=True)
class Person:
    name: str
    gender: str
    province: str
    city: str
    phone: str
    email: str
    consents: bool  # to marketing by e-mail


def person(household: int) -> Person:
    """The same person for the same household, on every machine."""
    dice = random.Random(SEED * 100_003 + household)  # noqa: S311  (made-up names, not secrets)
    woman = dice.random() < 0.62
    name = dice.choice(SURNAMES) + dice.choice(GIVEN_F if woman else GIVEN_M)
    province, city, _weight = dice.choices(PLACES, weights=[weight for *_place, weight in PLACES])[0]
    return Person(
        name=name,
        gender="女" if woman else "男",
        province=province,
        city=city,
        phone=f"1990000{household:04d}",
        email=f"household{household}@demo.example",
        consents=dice.random() < 0.9,
    )
