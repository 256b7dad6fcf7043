"""Whose server it is that answers."""

from __future__ import annotations

import psutil

from riskcontrol.servers.registry import Entry


def listens(entry: Entry) -> bool:
    """Return whether it is our server that listens at its address, and not one that was there before."""
    port = int(entry.address.rpartition(":")[2])
    try:
        process = entry.process()
        connections = process.net_connections("tcp") if process is not None else []
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)
