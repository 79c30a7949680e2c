"""The story that tests/clients/js tells on matrix-js-sdk: in one process, and on three workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.node import FOLDER, node
from tests.support.server import running_firn

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.whole_cluster import WholeCluster

TOLD = "the story is told"
SECONDS = 150


async def tell(prefix: str, *workers: str) -> str:
    """Run it; what it wrote, its end."""
    process = await asyncio.create_subprocess_exec(
        *(str(node()), "story.mjs", prefix, *workers),
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            written, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return written.decode()[-4000:]


@pytest.mark.timeout(SECONDS + 30)
async def test_threads_edits_reactions_receipts_and_spaces_in_one_process(tmp_path: Path) -> None:
    node()
    async with running_firn(tmp_path) as firn:
        written = await tell("one", firn.base, firn.base, firn.base)
    assert written.rstrip().endswith(TOLD), written


@pytest.mark.rocketmq
@pytest.mark.timeout(SECONDS + 60)
async def test_threads_edits_reactions_receipts_and_spaces_with_each_device_on_another_worker(
    cluster: WholeCluster,
) -> None:
    written = await tell("three", *cluster.workers)
    assert written.rstrip().endswith(TOLD), written
