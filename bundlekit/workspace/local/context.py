"""What a route works with: the store, the files, the user, and the service that runs jobs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from bundlekit.workspace.local.files import Files
from bundlekit.workspace.local.store import Store

if TYPE_CHECKING:
    from bundlekit.local.service import RunService
    from bundlekit.local.settings import LocalSettings


class Context:
    """One open workspace."""

    def __init__(
        self,
        folder: Path,
        user: str,
        host: str = "local",
        settings: LocalSettings | None = None,
        *,
        served: bool = False,
    ) -> None:
        self.served = served
        self.store = Store(folder)
        self.user = user
        self.host = host
        self.settings = settings
        self.files = Files(self.store, user)
        self.workspace_id = 900_800_700_600
        self._runs: RunService | None = None
        self._lock = threading.Lock()

    @property
    def runs(self) -> RunService:
        """Started when the first run is asked for."""
        with self._lock:
            if self._runs is None:
                from bundlekit.local.service import RunService

                self._runs = RunService(self.store, self.files, self.user, self.settings)
            return self._runs

    def close(self) -> None:
        if self._runs is not None:
            self._runs.close()
        self.store.close()
