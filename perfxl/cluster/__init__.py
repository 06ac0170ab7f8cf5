"""Reads files on the workers of a Dask cluster; owns distributed, which is loaded only then."""

from __future__ import annotations

import importlib.util
import re

from perfxl.errors import NoCluster, NoDistributed
from perfxl.isolation.service import Service

SCHEME = "dask://"
_PLACE = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}")


def cluster_at(address: str) -> Service:
    """The workers of the scheduler at ``dask://HOST:PORT``, as one reading service.

    Raises NoCluster, NoDistributed, OtherVersions.
    """
    place = address.removeprefix(SCHEME).rstrip("/")
    if not address.startswith(SCHEME) or not _PLACE.fullmatch(place):
        raise NoCluster(f"看不懂 Dask 的地址“{address}”", remedy="写法如 dask://192.168.1.10:8786")
    if importlib.util.find_spec("distributed") is None:
        raise NoDistributed(
            "没有安装连接 Dask 的程序库 distributed",
            remedy='请执行 pip install "perfxl[dask]"，或不加 --workers 在本机执行',
        )
    # It takes as long to load as pandas.
    from perfxl.cluster.workers import DaskWorkers  # noqa: PLC0415

    return DaskWorkers(place)
