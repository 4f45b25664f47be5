"""Schemes (方案): further ways of sorting members into classes, side by side, kept up by the recalculation.

A *family* (`families.py`) says how: what settings it takes, which edges a full run measures, one SELECT that
gives every member's class. A *scheme* is a family configured in a pool. `running.py` computes them within the
recalculation chain; only rows that differ are written, each change of class to StateChange.
"""
