"""What every member is like, worked out from orders: facts, RFM, lifecycle, and their history.

A chain of declared steps (`steps.py`), each one SQL statement: facts per member → edges → scores, group
and stage by constant edges → only the rows that differ are written, with one history row per change. The
nightly run measures the edges anew; the minute run keeps them, so both give the same state for the same edges.
"""
