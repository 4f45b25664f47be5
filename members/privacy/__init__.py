"""Who looked, what may leave, what is forgotten.

`looks` writes down who saw personal data · `sealing` rotates the keys it is kept under · `erasing` makes a
person's facts anonymous and everything else go · `dossier` hands a person everything there is ·
`tombstones` keep old files from bringing somebody back · `retention` lets copies go in time.

Upper apps say what becomes of their tables:

    from members.privacy.deciding import decide, keep, remove
    decide("touchpoints.Delivery", keep("how it went stays in the totals", blank=("detail", "provider_ref")))
"""
