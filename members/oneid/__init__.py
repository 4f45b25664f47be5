"""Who is who: the rules of a pool, values that say nothing, what a person must decide, how well sources are recognised."""
