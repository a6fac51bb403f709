"""What a person asks of a plan: what the plan lacks, which changes a request gives ground for. By rules, no model.

wish              the things that a message names, and what kind of change it asks for
   ▼
scope             which changes of a reply such a wish gives no ground for (`outside`)
standing, room    where it puts its things, and which places of the vocabulary fit that
plain             edits that need no model: remove it, swap the two, make it bigger
missing           which nouns, colours, counts, places, times and moods of a request its plan does not hold
   ▼
relations         how the things of a request stand to each other, and where it puts them (`Layout`)
   ▼
placing           the box that a thing gets by that, beside the boxes that are there (`Placement`)
"""

from lib_omost.canvas.requests.missing import Missing, beyond_count, missing
from lib_omost.canvas.requests.placing import Placement, place_of, region_about, words_of
from lib_omost.canvas.requests.plain import plain_edit
from lib_omost.canvas.requests.relations import Layout, Relation, layout_of
from lib_omost.canvas.requests.room import Bond, Spot, depths, fitting
from lib_omost.canvas.requests.scope import outside
from lib_omost.canvas.requests.standing import Standing, means, standings
from lib_omost.canvas.requests.wish import EditRequest, asks_undo, read_wish

__all__ = [
    "Bond",
    "EditRequest",
    "Layout",
    "Missing",
    "Placement",
    "Relation",
    "Spot",
    "Standing",
    "asks_undo",
    "beyond_count",
    "depths",
    "fitting",
    "layout_of",
    "means",
    "missing",
    "outside",
    "place_of",
    "plain_edit",
    "read_wish",
    "region_about",
    "standings",
    "words_of",
]
