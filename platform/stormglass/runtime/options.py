"""Options that the runtime's commands share."""

from typing import Annotated

import typer

from stormglass.runtime.instance import default_name

InstanceName = Annotated[
    str, typer.Option("--instance", "-i", help="Which instance is meant.", default_factory=default_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]
