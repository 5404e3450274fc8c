"""Pure decisions in audio time: endpointing, barge-in, addressing, revisions. Imports nothing but the standard library."""
