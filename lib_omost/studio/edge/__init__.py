"""Who may call what, before anything of the page is reached. Knows no session, no model and no widget."""

from lib_omost.studio.edge.limits import LIMITS, Limits
from lib_omost.studio.edge.middleware import Edge, around
from lib_omost.studio.edge.origins import Site

__all__ = ["LIMITS", "Edge", "Limits", "Site", "around"]
