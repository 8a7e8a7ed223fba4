"""The pages, one module each, in the order in which somebody who is looking for a trouble would open them."""

from observability.dashboards.definition import Dashboard
from observability.dashboards.pages import overview

PAGES: tuple[Dashboard, ...] = (overview.PAGE,)
