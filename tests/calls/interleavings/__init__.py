"""Whole conversations in virtual time, driven by one schedule of everything that can happen, and checked by an ear of their own.

A schedule is a list of actions (:mod:`.actions`). :mod:`.world` plays it to a conversation with scripted engines (:mod:`.engines`), whose
every word has a sound that is recognised in what left for the ear (:mod:`.sound`). What happened is a :class:`~.record.Record`;
:mod:`.invariants` says what is wrong with it, and :mod:`.search` goes through many schedules and shortens those that break something.
"""
