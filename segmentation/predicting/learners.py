"""What is learnt, and how it is kept: a logistic regression as JSON, trees as arrays.

Nothing is pickled: what comes out of the database is read as numbers and checked, it cannot run code.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from segmentation.predicting.declaring import Floats

ROUNDS, RATE, LEAVES, LEAST = 150, 0.05, 8, 40


@dataclass(frozen=True)
class Logistic:
    """A logistic regression on standardised columns."""

    mean: Floats
    scale: Floats
    weights: Floats
    start: float

    @classmethod
    def fit(cls, x: Floats, y: Floats, *, strength: float = 0.3) -> "Logistic":
        from sklearn.linear_model import LogisticRegression

        mean, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 1e-12, scale, 1.0)
        with threadpool_limits(limits=1):
            found = LogisticRegression(C=strength, max_iter=1000).fit((x - mean) / scale, y)
        return cls(mean, scale, found.coef_[0], float(found.intercept_[0]))

    def predict(self, x: Floats) -> Floats:
        return expit((x - self.mean) / self.scale @ self.weights + self.start)

    def dump(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist(), "weights": self.weights.tolist(), "start": self.start}

    @classmethod
    def load(cls, kept: dict[str, Any]) -> "Logistic":
        mean, scale, weights = (np.asarray(kept[name], float) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, float(kept["start"]))


@dataclass(frozen=True)
class Trees:
    """Boosted trees: nodes of all trees one after the other, where each tree ends, and the sum they start from."""

    nodes: Any
    ends: Any
    start: float
    columns: int

    @classmethod
    def fit(cls, x: Floats, y: Floats, *, seed: int) -> "Trees":
        from sklearn.ensemble import HistGradientBoostingClassifier

        learner = HistGradientBoostingClassifier(
            max_iter=ROUNDS, learning_rate=RATE, max_leaf_nodes=LEAVES, min_samples_leaf=LEAST, l2_regularization=1.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        with threadpool_limits(limits=1):
            learner.fit(x, y)
        trees = [tree.nodes for (tree,) in learner._predictors]
        return cls(
            np.concatenate(trees), np.cumsum([len(tree) for tree in trees]), float(learner._baseline_prediction[0, 0]), x.shape[1]
        )

    def predict(self, x: Floats) -> Floats:
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        x = np.ascontiguousarray(x, np.float64)
        none, total, begin = np.zeros((0, 8), np.uint32), np.full(len(x), self.start), 0
        places = np.zeros(self.columns, np.uint32)
        for end in self.ends:
            tree = TreePredictor(self.nodes[begin:end], none, none)
            total += tree.predict(x, none, places, 1)
            begin = end
        return expit(total)

    def dump(self) -> bytes:
        into = io.BytesIO()
        np.savez_compressed(into, nodes=self.nodes, ends=self.ends, start=self.start, columns=self.columns)
        return into.getvalue()

    @classmethod
    def load(cls, kept: bytes) -> "Trees":
        with np.load(io.BytesIO(kept), allow_pickle=False) as found:
            made = cls(found["nodes"], found["ends"], float(found["start"]), int(found["columns"]))
        made._check()
        return made

    def _check(self) -> None:
        """Walking the trees trusts their numbers: none may lead out of its tree, past the columns, or round in circles."""
        begin = 0
        for end in self.ends:
            tree = self.nodes[begin:end]
            inner = tree[tree["is_leaf"] == 0]
            place = np.flatnonzero(tree["is_leaf"] == 0)
            low, high = np.minimum(inner["left"], inner["right"]), np.maximum(inner["left"], inner["right"])
            if not len(tree) or (low <= place).any() or (high >= len(tree)).any():
                raise ValueError("a kept tree leads nowhere")
            if inner["is_categorical"].any() or (inner["feature_idx"] >= self.columns).any() or (inner["feature_idx"] < 0).any():
                raise ValueError("a kept tree asks for a column there is not")
            begin = end
