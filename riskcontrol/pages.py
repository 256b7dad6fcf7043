"""What pages, chapters and cohorts know of their positions, so that most need not be looked at: compiled.

A summary has the outermost triggers of the positions under it, and how many of those that run hold no shares or some.
"""

from __future__ import annotations

from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE
from riskcontrol.compiling import bare, entry, inlined
from riskcontrol.states import Status

_RUNNING = int(Status.RUNNING)
_MANY = 2**30


@bare
def widen(summary, other):
    """Let a summary's triggers cover another's as well, and count its positions."""
    summary.below = max(summary.below, other.below)
    summary.above = min(summary.above, other.above)
    summary.gated_below = max(summary.gated_below, other.gated_below)
    summary.gated_above = min(summary.gated_above, other.gated_above)
    summary.wake = min(summary.wake, other.wake)
    # After openings a page may have been counted more than once; above none, the number doesn't matter.
    summary.flat = min(summary.flat + other.flat, _MANY)
    summary.holding = min(summary.holding + other.holding, _MANY)


@entry
def clear_summary(summary):
    """Make a summary that of no position."""
    summary.below = summary.gated_below = NEVER_BELOW
    summary.above = summary.gated_above = summary.wake = NEVER_ABOVE
    summary.flat = summary.holding = 0


@inlined
def cover_page(page, pages, slots):
    """Note down the outermost triggers of a page's positions."""
    summary = pages[page]
    below = gated_below = NEVER_BELOW
    above = gated_above = wake = NEVER_ABOVE
    for slot in range(page * PAGE, page * PAGE + summary.used):
        trigger = slots.triggers[slot]
        below, above = max(below, trigger.below), min(above, trigger.above)
        gated_below, gated_above = max(gated_below, trigger.gated_below), min(gated_above, trigger.gated_above)
        wake = min(wake, trigger.wake)
    summary.below, summary.above, summary.wake = below, above, wake
    summary.gated_below, summary.gated_above = gated_below, gated_above


@inlined
def count_in(page, pages, slots, slot, more):
    """Count a position of a page in (1) or out (-1), if it runs, on the side on which it is.

    Positions lie apart from their triggers: counting all of a page's anew would read 64 of them for each that acts.
    """
    position = slots.positions[slot]
    if position.status == _RUNNING:
        if position.shares > 0:
            pages[page].holding += more
        else:
            pages[page].flat += more


@bare
def summarise_chapter(chapter, pages):
    """Note down the same of a chapter's pages."""
    clear_summary(chapter)
    page = chapter.first
    for _ in range(chapter.used):
        widen(chapter, pages[page])
        page = pages[page].next


@bare
def summarise_cohort(cohort, chapters):
    """Note down the same of a cohort's chapters."""
    clear_summary(cohort)
    chapter = cohort.chapter
    while chapter >= 0:
        widen(cohort, chapters[chapter])
        chapter = chapters[chapter].next


@bare
def reached(summary, bounds, firing):
    """Return whether one of a summary's positions may act in a stretch.

    Args:
        summary: Record of a page, a chapter or a cohort.
        bounds: Of `riskcontrol.pyramid.Rows`.
        firing: Whether signals fire for those who would buy, for those who would sell, and whether levels have moved.
    """
    buying, selling, moved = firing
    low, high, newest = bounds[0], bounds[1], bounds[2]
    if low <= summary.below or high >= summary.above or newest >= summary.wake:
        return True
    if moved and summary.flat + summary.holding > 0:
        return True
    if (buying and summary.flat > 0) or (selling and summary.holding > 0):
        return low <= summary.gated_below or high >= summary.gated_above
    return False
