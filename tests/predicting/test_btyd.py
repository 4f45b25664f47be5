"""Closed forms against what was published, against the package `lifetimes`, and on purchases nothing can be learnt from."""

import warnings

import numpy as np
import pandas as pd
import pytest

from segmentation.predicting import btyd, spend

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lifetimes
    from lifetimes.datasets import load_cdnow_summary, load_cdnow_summary_data_with_monetary_value
    from lifetimes.utils import summary_data_from_transaction_data


@pytest.fixture(scope="module")
def cdnow():
    return load_cdnow_summary(index_col=0)


@pytest.fixture(scope="module")
def cdnow_spend():
    return load_cdnow_summary_data_with_monetary_value()


def theirs(cls, *columns):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cls(penalizer_coef=0).fit(*columns)


def log_of(seed, customers=3000, days=400, rate=0.03):
    """Purchases of customers who buy at rates of their own until they stop."""
    rng = np.random.default_rng(seed)
    rows = []
    for member in range(customers):
        day, pace, drop = int(rng.integers(0, days // 2)), rng.gamma(0.8, rate / 0.8), rng.beta(0.8, 2.5)
        while day <= days:
            rows.append((member * 3 + 11, day, round(float(rng.gamma(3, 20 + member % 40)), 2)))
            if rng.random() < drop:
                break
            day += 1 + int(rng.exponential(1 / pace))
    return pd.DataFrame(rows, columns=["member", "day", "amount"])


@pytest.mark.parametrize(
    ("modified", "published"),
    [(False, (0.243, 4.414, 0.793, 2.426)), (True, (0.525, 6.183, 0.891, 1.614))],
)
def test_parameters_are_the_published_ones(cdnow, modified, published):
    model = btyd.fit(cdnow.frequency, cdnow.recency, cdnow["T"], modified=modified)
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(published, rel=0.005)


def test_log_likelihood_and_forecast_are_the_published_ones(cdnow):
    model = btyd.fit(cdnow.frequency, cdnow.recency, cdnow["T"])
    assert model.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert btyd.expected_purchases(model, 39, 2, 30.43, 38.86)[0] == pytest.approx(1.226, abs=0.001)


def test_spend_is_the_published_one(cdnow_spend):
    model = spend.fit(cdnow_spend.frequency, cdnow_spend.monetary_value)
    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.005)
    ten = spend.expected(model, cdnow_spend.frequency[:10], cdnow_spend.monetary_value[:10])
    assert ten == pytest.approx([24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17], abs=0.02)
    alike = theirs(
        lifetimes.GammaGammaFitter, *(cdnow_spend[cdnow_spend.frequency > 0][each] for each in ("frequency", "monetary_value"))
    )
    assert (model.p, model.q, model.v) == pytest.approx(tuple(alike.params_), rel=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("modified", [False, True])
def test_equal_to_lifetimes_on_unseen_purchases(seed, modified):
    log = log_of(seed)
    ours = btyd.summarise(log.member, log.day, log.amount, 400)
    cls = lifetimes.ModifiedBetaGeoFitter if modified else lifetimes.BetaGeoFitter
    other = theirs(cls, ours.x, ours.tx, ours.T)
    model = btyd.fit(ours.x, ours.tx, ours.T, modified=modified)
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx(tuple(other.params_), rel=1e-4)
    forecast = other.conditional_expected_number_of_purchases_up_to_time(60, ours.x, ours.tx, ours.T)
    assert btyd.expected_purchases(model, 60, ours.x, ours.tx, ours.T) == pytest.approx(np.asarray(forecast), rel=1e-4)
    alive = other.conditional_probability_alive(ours.x, ours.tx, ours.T)
    assert btyd.probability_alive(model, ours.x, ours.tx, ours.T) == pytest.approx(np.asarray(alive).ravel(), rel=1e-4)


def test_customers_are_summarised_as_lifetimes_does():
    log = log_of(4, customers=300)
    ours = btyd.summarise(log.member, log.day, log.amount, 300)
    dated = log.assign(at=pd.Timestamp("2024-01-01") + pd.to_timedelta(log.day, unit="D"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = summary_data_from_transaction_data(
            dated, "member", "at", "amount", observation_period_end=pd.Timestamp("2024-01-01") + pd.Timedelta(days=300)
        )
    assert ours.member.tolist() == other.index.tolist()
    for mine, column in ((ours.x, "frequency"), (ours.tx, "recency"), (ours.T, "T"), (ours.worth, "monetary_value")):
        assert mine == pytest.approx(other[column].to_numpy(), rel=1e-9)


def test_what_comes_later_is_not_looked_at():
    log = log_of(5, customers=200)
    later = log.assign(amount=np.where(log.day > 250, 1e9, log.amount))
    doubled = pd.concat([later, later[later.day > 250]])
    one, two = (btyd.summarise(each.member, each.day, each.amount, 250) for each in (log, doubled))
    for name in ("member", "x", "tx", "T", "worth"):
        assert (getattr(one, name) == getattr(two, name)).all()


def test_the_chance_of_buying_and_the_waiting_time_say_the_same(cdnow):
    model = btyd.fit(cdnow.frequency, cdnow.recency, cdnow["T"])
    x, tx, T = (cdnow[each].to_numpy() for each in ("frequency", "recency", "T"))
    wait = btyd.time_to_next(model, 0.25, x, tx, T)
    sure = np.isfinite(wait)
    assert sure.any()
    reached = [
        btyd.probability_of_buying(model, t, *each)[0]
        for t, *each in zip(wait[sure][:50], *(v[sure][:50, None] for v in (x, tx, T)), strict=True)
    ]
    assert reached == pytest.approx([0.25] * len(reached), rel=1e-9)
    assert (btyd.probability_alive(model, x, tx, T)[~sure] <= 0.25).all()


def test_the_quadrature_agrees_with_the_hypergeometric_function(cdnow):
    x, T = cdnow.frequency.to_numpy()[:400], cdnow["T"].to_numpy()[:400]
    model = btyd.fit(cdnow.frequency, cdnow.recency, cdnow["T"])
    exact = btyd._if_alive(model, 39, x, T)
    assert btyd._by_quadrature(model.r, model.alpha, model.a, model.b, 39, x, T) == pytest.approx(exact, rel=3e-3)
    many = btyd.Counts(0.9, 30.0, 900.0, 40_000.0, False, 0.0, 1)  # the two meet where both still have digits
    few = btyd.Counts(0.9, 30.0, 1100.0, 48_889.0, False, 0.0, 1)
    assert btyd._if_alive(many, 39, x, T) == pytest.approx(btyd._if_alive(few, 39, x, T), rel=1e-3)


DEGENERATE = {
    "all bought once": [(n, n % 50, 10) for n in range(200)],
    "one customer": [(1, day, 10) for day in range(0, 100, 7)],
    "nobody": [],
    "same day": [(n, 100, 10) for n in range(200)],
    "all began the same day": [(n, day, 10) for n in range(200) for day in range(0, 99, 5 + n % 20)],
    "like clockwork": [(n, day, 10) for n in range(200) for day in range(0, 99, 7)],
    "nothing was paid": [(n, day, 0) for n in range(100) for day in (0, n % 90 + 1)],
    "one bought every day": [(n, day, 10) for n in range(100) for day in ((range(100)) if n == 0 else (0, n % 90 + 1))],
    "all but a few once": [(n, n % 80, 10) for n in range(500)] + [(n, 90, 10) for n in range(6)],
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("modified", [False, True])
def test_degenerate_purchases_give_numbers_or_say_what_is_missing(name, modified):
    rows = np.array(DEGENERATE[name], float).reshape(-1, 3)
    ours = btyd.summarise(rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2], 100)
    if name in {"all bought once", "one customer", "nobody", "same day"}:
        with pytest.raises(btyd.NotEnoughData, match="needed"):
            btyd.fit(ours.x, ours.tx, ours.T, modified=modified)
        return
    model = btyd.fit(ours.x, ours.tx, ours.T, modified=modified)
    people = (ours.x, ours.tx, ours.T)
    for found in (btyd.expected_purchases(model, 30, *people), btyd.probability_of_buying(model, 30, *people)):
        assert np.isfinite(found).all()
        assert (found >= 0).all()
    assert (btyd.time_to_next(model, 0.5, *people) > 0).all()
    try:
        worth = spend.expected(spend.fit(ours.x, ours.worth), ours.x, ours.worth)
    except btyd.NotEnoughData:
        assert name in {"nothing was paid", "all but a few once"}
    else:
        assert np.isfinite(worth).all()


def test_a_hundred_thousand_purchases_of_one_customer_are_a_number(cdnow):
    model = btyd.fit(cdnow.frequency, cdnow.recency, cdnow["T"])
    found = btyd.expected_purchases(model, 39, [1e5, 1e5], [39.0, 1.0], [39.0, 39.0])
    assert np.isfinite(found).all()
    assert found[0] > 1e4
    assert found[1] == pytest.approx(0, abs=1e-6)
