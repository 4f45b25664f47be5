"""The picture of a flow: from a class on the left to a class on the right, as wide as it has members."""

from typing import Any


def flow(nodes: list[dict[str, Any]], links: list[dict[str, Any]], right: int | str = 130) -> dict[str, Any]:
    """The chart's option; `right` leaves room for the names of the right side, in pixels or as a share."""
    series = {
        "type": "sankey",
        "left": 0,
        "right": right,
        "top": 14,
        "bottom": 6,
        "nodeWidth": 10,
        "nodeGap": 12,
        "layoutIterations": 0,
        "draggable": False,
        "animation": False,
        "emphasis": {"focus": "adjacency"},
        "lineStyle": {"color": "source", "opacity": 0.25, "curveness": 0.5},
        "label": {"formatter": "@sankeyLabel"},
        "data": nodes,
        "links": links,
    }
    return {"tooltip": {"formatter": "@sankey"}, "series": [series]}


def node(side: str, key: object, text: object, colour: str) -> dict[str, Any]:
    """One class on the side it stands on: "a", before, or "b", after."""
    return {"name": f"{side}{key}", "text": str(text), "depth": int(side == "b"), "itemStyle": {"color": colour}}
