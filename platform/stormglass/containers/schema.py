"""`python -m stormglass.containers.schema`: roles, databases and migrations, before any service starts."""

import asyncio

from stormglass.containers.contained import contained
from stormglass.runtime.schema import bring_up_to_date

if __name__ == "__main__":
    asyncio.run(bring_up_to_date(contained(), contained().topology.processes))
