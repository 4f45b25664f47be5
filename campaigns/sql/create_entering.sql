-- The assignment on its way in: filled by COPY, gone with the transaction.
-- Writes nothing that lasts.
CREATE TEMPORARY TABLE campaigns_entering (member_id bigint NOT NULL, arm smallint NOT NULL, layer_id bigint NOT NULL) ON COMMIT DROP
