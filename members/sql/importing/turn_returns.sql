-- Receipts below zero that belong to no other: orders given back in full.
-- Changes only the run's own staged rows; a re-run finds none below zero.
-- not prepared: changes a staging table made by each import
UPDATE {stage} AS s
SET amount = -s.amount, refunded = -s.amount, refunded_at = coalesce(s.refunded_at, s.placed_at), status = %(refunded)s::smallint,
    discount = NULL, shipping = NULL
WHERE s.amount < 0
