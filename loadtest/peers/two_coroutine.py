"""The two-coroutine upload server: one coroutine reads the request, one writes the file, a bounded queue between.

    FOLDER=/some/where python3 -m uvicorn two_coroutine:app --port 0
"""

import asyncio
import os
import uuid

import aiofiles
from fastapi import FastAPI, Request

QUEUE_SIZE = 2
app = FastAPI()


async def write_file(path, queue):
    async with aiofiles.open(path, "wb") as file:
        while True:
            await file.write(await queue.get())
            queue.task_done()


@app.post("/file", status_code=201)
async def upload(request: Request):
    path = os.path.join(os.environ["FOLDER"], str(uuid.uuid4()))
    queue = asyncio.Queue(QUEUE_SIZE)
    writer = asyncio.create_task(write_file(path, queue))
    async for chunk in request.stream():
        await queue.put(chunk)
    await queue.join()
    writer.cancel()
    await asyncio.wait([writer])
    return {"path": path}
